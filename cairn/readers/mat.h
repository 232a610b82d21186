// MATLAB's files of arrays (versions 4, 5 and 7; 7.3 is HDF5 inside), through matio, which is loaded at the
// first file.
//
//   read_mat("ex7data1.mat")   // X and, where there is one, y
#pragma once

#include "cairn/data/reader.h"

namespace cairn {

ReadResult read_mat(const std::string& path, const ReadOptions& options = {});

// One matrix of numbers, C order. DataError.
Tensor mat_array(const std::string& path, const std::string& name);

extern const Reader kMatReader;

}  // namespace cairn
