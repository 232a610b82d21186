// HDF5 files of arrays, through the HDF Group's library, which is loaded at the first file.
//
//   ReadOptions options;
//   options.arguments = {{"inputs", "train_set_x"}, {"targets", "train_set_y"}};
//   read_hdf5("cats.h5", options);
#pragma once

#include "cairn/data/reader.h"

namespace cairn {

ReadResult read_hdf5(const std::string& path, const ReadOptions& options = {});

// The array at a path within the file, such as "model_weights/dense_1/kernel". DataError.
Tensor hdf5_array(const std::string& path, const std::string& name);

extern const Reader kHdf5Reader;

}  // namespace cairn
