// Plain text, one text a line, with the class in the name of the file it stands in.
//
//   read_text_lines("pos.txt,neg.txt")   // columns text and label: pos, neg
//   read_text_lines("names")             // a folder: names/Czech.txt, names/Dutch.txt, ...
#pragma once

#include <string>
#include <vector>

#include "cairn/data/reader.h"

namespace cairn {

// `path` is a file, several with commas between, or a folder. A folder's files are the classes, or its
// sub-folders with all their files; train/ and test/ above them are the parts. One file alone has no class.
// Blank lines are no rows. DataError for what is not UTF-8, with file and line; for a class without a text.
ReadResult read_text_lines(const std::string& path, const ReadOptions& options = {});

// What tells files from each other: {"pos", "neg"} of {"rt-polarity.pos", "rt-polarity.neg"}.
std::vector<std::string> distinct_parts(const std::vector<std::string>& file_names);

extern const Reader kTextLinesReader;

}  // namespace cairn
