// IDX, the format of MNIST (LeCun, Cortes, Burges: the MNIST database): numbers of one type in up to eight
// axes, big endian, plain or compressed.
//
//   read_idx("mnist")                            // a folder: training and test part, pictures and labels
//   read_idx("train-images-idx3-ubyte.gz")       // with the labels that stand beside it
#pragma once

#include "cairn/data/reader.h"

namespace cairn {

ReadResult read_idx(const std::string& path, const ReadOptions& options = {});

// One file's array. DataError when it is no IDX, or holds more or less than its header claims.
Tensor idx_array(std::string_view bytes, const std::string& name);

extern const Reader kIdxReader;

}  // namespace cairn
