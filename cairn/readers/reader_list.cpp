#include "cairn/readers/reader_list.h"

#include <array>

#include "cairn/readers/arff.h"
#include "cairn/readers/hdf5.h"
#include "cairn/readers/idx.h"
#include "cairn/readers/json_lines.h"
#include "cairn/readers/libsvm.h"
#include "cairn/readers/mat.h"
#include "cairn/readers/npy.h"
#include "cairn/readers/parquet.h"
#include "cairn/readers/pictures.h"
#include "cairn/readers/sqlite.h"
#include "cairn/readers/text_lines.h"

namespace cairn {

std::span<const Reader> file_readers() {
  static const std::array readers{kPicturesReader, kNpyReader,  kNpzReader,     kHdf5Reader,
                                  kMatReader,      kIdxReader,  kParquetReader, kArrowReader,
                                  kSqliteReader,   kArffReader, kJsonReader,    kLibsvmReader,
                                  kTextLinesReader};
  return readers;
}

}  // namespace cairn
