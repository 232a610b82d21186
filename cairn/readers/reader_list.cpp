#include "cairn/readers/reader_list.h"

#include <array>

#include "cairn/readers/hdf5.h"
#include "cairn/readers/idx.h"
#include "cairn/readers/libsvm.h"
#include "cairn/readers/mat.h"
#include "cairn/readers/npy.h"
#include "cairn/readers/pictures.h"

namespace cairn {

std::span<const Reader> array_readers() {
  static const std::array readers{kPicturesReader, kNpyReader, kNpzReader,   kHdf5Reader,
                                  kMatReader,      kIdxReader, kLibsvmReader};
  return readers;
}

}  // namespace cairn
