#include "cairn/readers/text_lines.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <map>

#include "cairn/base/hash.h"
#include "cairn/data/cells.h"
#include "cairn/data/compressed_input.h"
#include "cairn/readers/line_pieces_internal.h"

namespace cairn {
namespace {

namespace fs = std::filesystem;
using namespace readers_detail;

struct TextFile {
  std::string path, label;
};

// The lines of files, as they come.
class Lines {
 public:
  explicit Lines(const ReadOptions& options) : options_(options) {}

  void add(const TextFile& file, Sha256* sha256) {
    InputLimits limits;
    if (options_.max_memory > 0) limits.max_bytes = options_.max_memory;
    const InputBytes input = open_input(file.path, limits, options_.stop);
    if (input.bytes().size() + bytes_.size() > limits.max_bytes)
      throw ResourceError(file.path,
                          fmt::format("the texts hold more than {} MB", limits.max_bytes / 1'000'000),
                          "--max-memory sets how much may be read.");
    std::string_view text = input.bytes();
    const std::string name = file.path == "-" ? "standard input" : file.path;
    require_text(text, name);
    if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
    const auto code =
        static_cast<std::int32_t>(levels_.try_emplace(file.label, levels_.size()).first->second);
    const std::size_t before = codes_.size();
    while (!text.empty()) {
      const std::string_view line = next_line(text);
      if (line.find_first_not_of(" \t") == line.npos) continue;
      bytes_.insert(bytes_.end(), line.begin(), line.end());
      offsets_.push_back(std::ssize(bytes_));
      codes_.push_back(code);
    }
    if (codes_.size() == before) throw DataError(name, "holds no text; one a line was expected");
    if (sha256) {
      sha256->update(file.label);
      sha256->update(input.bytes());
    }
  }

  Table table(bool labelled) {
    std::vector<Column> columns;
    columns.push_back(
        Column::text("text", Tensor::take(std::move(offsets_)), Tensor::take(std::move(bytes_))));
    if (labelled) {
      // Levels in order of their names, as in every other table.
      std::vector<std::string> names;
      std::vector<std::int32_t> order(levels_.size());
      for (const auto& [name, code] : levels_) {
        order[code] = static_cast<std::int32_t>(names.size());
        names.push_back(name);
      }
      for (std::int32_t& c : codes_) c = order[static_cast<std::size_t>(c)];
      columns.push_back(Column::category("label", Tensor::take(std::move(codes_)), std::move(names)));
    }
    return Table(std::move(columns));
  }

 private:
  const ReadOptions& options_;
  std::vector<std::uint8_t> bytes_;
  std::vector<std::int64_t> offsets_{0};
  std::vector<std::int32_t> codes_;
  std::map<std::string, std::size_t> levels_;
};

std::vector<fs::path> entries_of(const fs::path& folder, bool folders) {
  std::vector<fs::path> found;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const bool hidden = it->path().filename().string().starts_with('.');
    if (!hidden && (folders ? it->is_directory() : it->is_regular_file())) found.push_back(it->path());
  }
  if (error) throw FileError(folder.string(), fmt::format("cannot be read: {}", error.message()));
  std::ranges::sort(found);
  return found;
}

std::vector<TextFile> labelled(const std::vector<std::string>& paths) {
  std::vector<std::string> names;
  for (const std::string& path : paths) names.push_back(fs::path(path).filename().string());
  const std::vector<std::string> labels =
      paths.size() > 1 ? distinct_parts(names) : std::vector<std::string>{""};
  std::vector<TextFile> files;
  for (std::size_t i = 0; i < paths.size(); ++i) files.push_back({paths[i], labels[i]});
  return files;
}

std::vector<TextFile> files_of_folder(const std::string& folder) {
  const std::vector<fs::path> classes = entries_of(folder, true);
  const std::vector<fs::path> plain = entries_of(folder, false);
  std::vector<TextFile> files;
  if (classes.empty()) {
    std::vector<std::string> paths;
    for (const fs::path& p : plain) paths.push_back(p.string());
    if (paths.empty()) throw FileError(folder, "is an empty folder; files of texts were expected");
    return labelled(paths);
  }
  if (!plain.empty())
    throw DataError(
        folder,
        fmt::format("holds files (such as {}) and folders (such as {}); the classes are one or the other",
                    plain[0].filename().string(), classes[0].filename().string()));
  for (const fs::path& c : classes) {
    for (const fs::path& p : entries_of(c, false)) files.push_back({p.string(), c.filename().string()});
    if (files.empty() || files.back().label != c.filename().string())
      throw FileError(c.string(), "is a folder without files; the texts of a class were expected");
  }
  return files;
}

// Files with commas between; a file of the whole name wins.
std::vector<std::string> split_paths(const std::string& path) {
  if (fs::exists(path)) return {path};
  std::vector<std::string> paths;
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find(',', begin), path.size());
    paths.push_back(path.substr(begin, end - begin));
    begin = end + 1;
  }
  return paths;
}

Table read_part(const std::vector<TextFile>& files, bool with_labels, const ReadOptions& options,
                Sha256* sha256) {
  Lines lines(options);
  for (const TextFile& file : files) lines.add(file, sha256);
  return lines.table(with_labels);
}

}  // namespace

std::vector<std::string> distinct_parts(const std::vector<std::string>& file_names) {
  const std::string& one = file_names[0];
  std::size_t front = one.size(), back = one.size();
  for (const std::string& name : file_names) {
    front = std::min(front, static_cast<std::size_t>(std::ranges::mismatch(one, name).in1 - one.begin()));
    std::size_t same = 0;
    while (same < std::min(one.size(), name.size()) &&
           one[one.size() - 1 - same] == name[name.size() - 1 - same])
      ++same;
    back = std::min(back, same);
  }
  // Words stay whole: Arabic.txt and Armenian.txt have only .txt in common.
  const auto is_word = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || (c & 0x80) != 0;
  };
  while (front > 0 && is_word(one[front - 1])) --front;
  while (back > 0 && is_word(one[one.size() - back])) --back;
  std::vector<std::string> parts;
  for (const std::string& name : file_names) {
    const std::size_t size = front + back <= name.size() ? name.size() - front - back : 0;
    parts.push_back(name.substr(front, size));
    if (parts.back().empty()) return file_names;
  }
  return parts;
}

ReadResult read_text_lines(const std::string& path, const ReadOptions& options) {
  ReadResult result;
  Sha256 digest;
  Sha256* const sha256 = options.sha256 ? &digest : nullptr;
  std::error_code error;
  std::vector<TextFile> files;
  const fs::path folder = path;
  if (fs::is_directory(folder, error) && fs::is_directory(folder / "train", error) &&
      fs::is_directory(folder / "test", error)) {
    files = files_of_folder((folder / "train").string());
    const std::vector<TextFile> test = files_of_folder((folder / "test").string());
    result.table = read_part(files, files.size() > 1, options, sha256);
    result.test = read_part(test, files.size() > 1, options, sha256);
    result.guesses.push_back(fmt::format("test rows: {} of the folder test", result.test->num_rows()));
  } else {
    files = fs::is_directory(folder, error) ? files_of_folder(path) : labelled(split_paths(path));
    result.table = read_part(files, files.size() > 1, options, sha256);
  }
  if (files.size() > 1) {
    result.target = "label";
    const std::vector<std::string>& levels = result.table.column("label").levels();
    const std::vector<std::string> shown(levels.begin(),
                                         levels.begin() + std::min<std::ptrdiff_t>(5, std::ssize(levels)));
    result.guesses.push_back(fmt::format("classes, from the names of the files: {}{}", fmt::join(shown, ", "),
                                         levels.size() > shown.size() ? ", ..." : ""));
  }
  result.schema = Schema::of(result.table);
  if (sha256) result.sha256 = to_hex(digest.finish());
  return result;
}

const Reader kTextLinesReader = {
    .name = "lines",
    .doc =
        "Plain text, one text a line, the class from the file's name: lines:pos.txt,neg.txt or lines:FOLDER.",
    .sniff = nullptr,
    .read = &read_text_lines,
    .sniff_folder = [](const std::string&) { return false; },
    .many_files = true,
};

}  // namespace cairn
