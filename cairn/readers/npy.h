// NumPy's files: one array (.npy) or a zip of them (.npz).
//
//   read_npy("digits.npz")   // x and y, told by their names
#pragma once

#include "cairn/data/reader.h"

namespace cairn {

ReadResult read_npy(const std::string& path, const ReadOptions& options = {});

// One array, versions 1 to 3 of the format (NumPy Enhancement Proposal 1). DataError names what is wrong.
Tensor npy_array(std::string_view bytes, const std::string& name);
// The array `member` of a zip, or the names of all.
Tensor npz_array(std::string_view bytes, const std::string& name, const std::string& member);
std::vector<std::string> npz_names(std::string_view bytes, const std::string& name);

// One column a field of structured arrays; of others with one value a row, texts and dates too, one column.
std::vector<Column> npy_columns(std::string_view bytes, const std::string& name,
                                const std::string& alone = "c0");

extern const Reader kNpyReader;
extern const Reader kNpzReader;

}  // namespace cairn
