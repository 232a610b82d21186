#include "cairn/run/fold_memory.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "cairn/base/atomic_file.h"
#include "cairn/base/error.h"
#include "cairn/base/hash.h"

namespace cairn {
namespace {

namespace fs = std::filesystem;

// Writing and reading are one list of members, so that they cannot differ.
class Bytes {
 public:
  std::string written;
  std::string_view left;
  bool reading = false, fine = true;

  template <class T>
  void one(T& value) {
    if (!reading)
      written.append(reinterpret_cast<const char*>(&value), sizeof value);
    else if (fine = fine && left.size() >= sizeof value; fine)
      std::memcpy(&value, take(sizeof value), sizeof value);
  }
  template <class T>
  void many(std::vector<T>& values) {
    auto n = static_cast<std::uint64_t>(values.size());
    one(n);
    if (!reading) {
      written.append(reinterpret_cast<const char*>(values.data()), n * sizeof(T));
      return;
    }
    fine = fine && n <= left.size() / sizeof(T);  // before memory is taken
    if (!fine || n == 0) return;
    values.resize(n);
    std::memcpy(values.data(), take(n * sizeof(T)), n * sizeof(T));
  }

 private:
  const char* take(std::size_t n) {
    const char* from = left.data();
    left.remove_prefix(n);
    return from;
  }
};

void walk(Bytes& b, FoldResult& r) {
  b.one(r.value);
  b.one(r.train_value);
  b.one(r.judged.task);
  b.one(r.judged.num_classes);
  b.one(r.judged.positive);
  b.many(r.judged.truth);
  b.many(r.judged.predicted);
  b.many(r.judged.probabilities);
  b.many(r.judged.weights);
  b.many(r.judged.labels);
  b.many(r.judged.decisions);
  b.many(r.judged.groups);
  b.many(r.judged.levels);
  b.many(r.judged.quantiles);
  b.many(r.judged.events);
  b.one(r.judged.predicts);
}

}  // namespace

std::string FoldFiles::file(const std::string& of, int fold) const {
  return folder_ + "/" + sha256_hex(of).substr(0, 32) + "-" + std::to_string(fold);
}

void FoldFiles::keep(const std::string& of, int fold, const FoldResult& result) {
  Bytes b;
  FoldResult copy = result;
  walk(b, copy);
  std::error_code error;
  fs::create_directories(folder_, error);
  if (error) refuse_to_write(folder_, "made", error.value());
  // Not flushed to the disk, which would cost more than a small fold: after a power cut the digest tells.
  const std::string path = file(of, fold), part = path + ".part";
  std::ofstream out(part, std::ios::binary | std::ios::trunc);
  out << sha256_hex(b.written) << b.written;
  out.close();
  const auto refuse = [&](const char* action, int reason) {
    fs::remove(part, error);
    refuse_to_write(path, action, reason);
  };
  if (!out) refuse("written", errno);
  fs::rename(part, path, error);
  if (error) refuse("put in place", error.value());
}

bool FoldFiles::recall(const std::string& of, int fold, FoldResult& result) const {
  const std::string path = file(of, fold);
  std::error_code error;
  if (!fs::is_regular_file(path, error)) return false;
  const std::string bytes = read_file(path);
  constexpr std::size_t kDigest = 64;
  if (bytes.size() < kDigest ||
      sha256_hex(std::string_view(bytes).substr(kDigest)) != bytes.substr(0, kDigest))
    return false;
  Bytes b;
  b.reading = true;
  b.left = std::string_view(bytes).substr(kDigest);
  FoldResult found;
  walk(b, found);
  if (!b.fine || !b.left.empty()) return false;
  result = std::move(found);
  return true;
}

void FoldFiles::clear() const {
  std::error_code error;
  fs::remove_all(folder_, error);
}

}  // namespace cairn
