#include "cairn/readers/idx.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>

#include "cairn/base/hash.h"
#include "cairn/data/compressed_input.h"
#include "cairn/readers/arrays_internal.h"

namespace cairn {
namespace {

namespace fs = std::filesystem;
using readers_detail::ElementType;

std::optional<ElementType> type_of(unsigned code) {
  switch (code) {
    case 0x08:
      return ElementType{'u', 1, true};
    case 0x09:
      return ElementType{'i', 1, true};
    case 0x0B:
      return ElementType{'i', 2, true};
    case 0x0C:
      return ElementType{'i', 4, true};
    case 0x0D:
      return ElementType{'f', 4, true};
    case 0x0E:
      return ElementType{'f', 8, true};
    default:
      return std::nullopt;
  }
}

bool sniff(std::string_view bytes) {
  if (bytes.size() < 8 || bytes[0] != 0 || bytes[1] != 0) return false;
  const auto axes = static_cast<unsigned char>(bytes[3]);
  return type_of(static_cast<unsigned char>(bytes[2])) && axes >= 1 && axes <= Shape::kMaxDims;
}

struct Read {
  Tensor array;
  std::string sha256;
};

Read read_file(const std::string& path, const ReadOptions& options) {
  InputLimits limits;
  if (options.max_memory > 0) limits.max_bytes = options.max_memory;
  const InputBytes input = open_input(path, limits, options.stop);
  return {idx_array(input.bytes(), path), options.sha256 ? sha256_hex(input.bytes()) : ""};
}

// The labels that belong to a file of pictures: train-images-idx3-ubyte.gz and train-labels-idx1-ubyte.
std::string labels_beside(const std::string& path) {
  const fs::path file(path);
  const std::string name = file.filename().string();
  const auto at = name.find("images");
  if (at == std::string::npos) return {};
  std::string stem = name.substr(0, at) + "labels" + name.substr(at + 6);
  if (const auto axes = stem.find("idx3"); axes != std::string::npos) stem[axes + 3] = '1';
  if (const auto axes = stem.find("idx4"); axes != std::string::npos) stem[axes + 3] = '1';
  const auto bare = [](std::string text) {
    for (const char* ending : {".gz", ".zst"})
      if (text.ends_with(ending)) text.resize(text.size() - std::string_view(ending).size());
    return text;
  };
  for (const std::string& candidate : {stem, bare(stem), bare(stem) + ".gz", bare(stem) + ".zst"})
    if (std::error_code error; fs::exists(file.parent_path() / candidate, error))
      return (file.parent_path() / candidate).string();
  return {};
}

struct Part {
  Table table;
  std::string sha256;
  bool labelled = false;
};

Part read_part(const std::string& images, const ReadOptions& options, std::vector<std::string>& guesses) {
  const Read read = read_file(images, options);
  Part part;
  part.sha256 = read.sha256;
  if (read.array.ndim() == 1)
    throw DataError(images, "holds one number a row: labels without their pictures",
                    "Name the file of pictures; its labels are found beside it.");
  std::vector<Column> columns;
  if (read.array.ndim() >= 3) {
    if (read.array.ndim() > 4)
      throw DataError(images, fmt::format("has {} axes; pictures have three or four", read.array.ndim()));
    columns.push_back(readers_detail::picture_column(read.array, images, guesses));
  } else {
    throw DataError(images, "has two axes; pictures have three or four");
  }
  if (const std::string labels = labels_beside(images); !labels.empty()) {
    const Read truth = read_file(labels, options);
    columns.push_back(readers_detail::label_column(truth.array, labels));
    if (columns[1].size() != columns[0].size())
      throw DataError(labels, fmt::format("holds {} labels; {} holds {} pictures", columns[1].size(),
                                          fs::path(images).filename().string(), columns[0].size()));
    part.sha256 += truth.sha256;
    part.labelled = true;
    guesses.push_back("labels: " + fs::path(labels).filename().string());
  }
  part.table = Table(std::move(columns));
  return part;
}

// The files of pictures in a folder, by name.
std::vector<std::string> image_files(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    const bool likely = name.find("images") != std::string::npos && name.find("idx") != std::string::npos;
    if (likely && it->is_regular_file(error)) files.push_back(it->path().string());
  }
  std::ranges::sort(files);
  return files;
}

bool is_test(const std::string& path) {
  const std::string name = fs::path(path).filename().string();
  return name.starts_with("t10k") || name.starts_with("test");
}

ReadResult read_folder(const std::string& path, const ReadOptions& options) {
  const auto files = image_files(path);
  std::vector<std::string> train, test;
  for (const std::string& file : files) (is_test(file) ? test : train).push_back(file);
  if (train.empty()) std::swap(train, test);
  if (train.size() != 1 || test.size() > 1)
    throw DataError(
        path,
        fmt::format("holds {} files of pictures in IDX, which do not belong together by their names",
                    files.size()),
        "Name one of the files.");
  ReadResult result;
  const Part part = read_part(train[0], options, result.guesses);
  result.table = part.table;
  std::string digest = part.sha256;
  if (part.labelled) result.target = "label";
  if (!test.empty()) {
    const Part other = read_part(test[0], options, result.guesses);
    if (other.labelled != part.labelled)
      throw DataError(
          path, fmt::format("{} has labels beside it and {} has none", part.labelled ? train[0] : test[0],
                            part.labelled ? test[0] : train[0]));
    result.test = other.table;
    digest += other.sha256;
    result.guesses.push_back(
        fmt::format("test rows: {} of {}", other.table.num_rows(), fs::path(test[0]).filename().string()));
  }
  if (options.sha256) result.sha256 = sha256_hex(digest);
  result.schema = Schema::of(result.table);
  return result;
}

}  // namespace

Tensor idx_array(std::string_view bytes, const std::string& name) {
  if (bytes.empty()) throw DataError(name, "is empty; an IDX file was expected");
  if (!sniff(bytes))
    throw DataError(name, "is no IDX file: its first four bytes name no type of numbers and axes");
  const ElementType type = *type_of(static_cast<unsigned char>(bytes[2]));
  const auto axes = static_cast<std::size_t>(static_cast<unsigned char>(bytes[3]));
  if (bytes.size() < 4 + 4 * axes) throw DataError(name, "ends within its header");
  std::vector<std::int64_t> dims;
  double claimed = static_cast<double>(type.size);
  for (std::size_t a = 0; a < axes; ++a) {
    std::int64_t d = 0;
    for (std::size_t i = 0; i < 4; ++i) d = d << 8 | static_cast<unsigned char>(bytes[4 + 4 * a + i]);
    dims.push_back(d);
    claimed *= static_cast<double>(d);
  }
  const std::string_view body = bytes.substr(4 + 4 * axes);
  if (claimed != static_cast<double>(body.size()))
    throw DataError(
        name,
        fmt::format("its header claims {} numbers of {} byte{}, and {} bytes follow it",
                    readers_detail::shape_text(dims), type.size, type.size == 1 ? "" : "s", body.size()),
        claimed > static_cast<double>(body.size()) ? "Fetch it again; it was cut short or the header lies."
                                                   : "");
  return readers_detail::elements(body, type, readers_detail::checked_shape(dims, name), name);
}

ReadResult read_idx(const std::string& path, const ReadOptions& options) {
  std::error_code error;
  if (fs::is_directory(path, error)) return read_folder(path, options);
  ReadResult result;
  Part part = read_part(path, options, result.guesses);
  result.table = std::move(part.table);
  if (part.labelled) result.target = "label";
  if (options.sha256) result.sha256 = sha256_hex(part.sha256);
  result.schema = Schema::of(result.table);
  return result;
}

const Reader kIdxReader = {
    .name = "idx",
    .doc = "IDX, the format of MNIST: a file of pictures with the labels beside it, or a folder of them.",
    .sniff = &sniff,
    .read = [](const std::string& path, const ReadOptions& options) { return read_idx(path, options); },
    .sniff_folder = [](const std::string& path) { return !image_files(path).empty(); },
};

}  // namespace cairn
