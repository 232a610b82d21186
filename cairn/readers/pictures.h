// Pictures as a table: a file, a folder or a tar of JPEG and PNG files. A sub-folder is a class; train/ and
// test/ above the classes are the parts.
//
//   const ReadResult pets = read_pictures("pets");
//   pets.table.column("image").values();   // u8 [n, 64, 64, 3]
//   pets.table.column("label").levels();   // {"cat", "dog"}
#pragma once

#include "cairn/data/reader.h"

namespace cairn {

// Columns `file` (names the row), `image` and, where there are sub-folders, `label`. The arguments `size`
// (64, or 48x64: height x width) and `channels` (1 or 3) say what every picture is made to; without them,
// pictures of one size up to 160 pixels stay as they are, larger ones shrink to 160, mixed ones become 64 x
// 64; with a model's schema they become what it was trained on. DataError names the first file that cannot be
// read, and how many more; a class folder without pictures.
ReadResult read_pictures(const std::string& path, const ReadOptions& options = {});

extern const Reader kPicturesReader;

}  // namespace cairn
