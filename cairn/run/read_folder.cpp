#include "cairn/run/read_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <set>
#include <utility>

#include "cairn/base/hash.h"
#include "cairn/data/cells.h"
#include "cairn/data/no_rows.h"
#include "cairn/data/stack.h"
#include "cairn/data/stack_parts.h"
#include "cairn/data/typed_columns.h"
#include "cairn/readers/arff.h"

namespace cairn {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> files_of(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (name.starts_with('.') || name.starts_with('_')) continue;
    if (it->is_directory())
      throw FileError(
          folder, fmt::format("holds the folder '{}', and is no folder of pictures that is known", name),
          "A folder of tables holds files alone; of texts, lines:FOLDER; of pictures, one folder a class.");
    files.push_back(it->path().string());
  }
  if (error) throw FileError(folder, fmt::format("cannot be read: {}", error.message()));
  if (files.empty())
    throw FileError(
        folder, "is a folder without pictures or data that are known",
        "Pictures are JPEG or PNG files in one sub-folder a class; tables are files of the same columns.");
  std::ranges::sort(files);
  return files;
}

// Categories that a file's header or types declare, which no other cells change.
std::vector<std::string> declared_in(const Schema& schema) {
  std::vector<std::string> names;
  for (const ColumnSpec& spec : schema.columns)
    if (spec.kind == ColumnKind::category &&
        (spec.reason == kArffStates || std::string_view(spec.reason).ends_with(kStated)))
      names.push_back(spec.name);
  return names;
}

std::set<std::string> set_of(const std::vector<std::string>& names) { return {names.begin(), names.end()}; }

std::string shown(const std::set<std::string>& names) {
  constexpr std::size_t kMost = 8;
  std::string text;
  for (std::size_t n = 0; const std::string& name : names) {
    if (n == kMost) return text + ", ...";
    text += fmt::format("{}'{}'", n++ == 0 ? "" : ", ", printable(name));
  }
  return text;
}

// What the files of a folder tell of the one table that they are, file after file.
class FolderFacts {
 public:
  FolderFacts(std::string folder, const std::function<const Reader&(const std::string&)>& reader_of)
      : folder_(std::move(folder)), files_(files_of(folder_)), reader_of_(reader_of) {}

  // Calls `read`, which returns what a file tells, with every file and its reader; `use` with those that have
  // rows.
  template <class Read, class Use>
  void each(const ReadOptions& options, Read&& read, Use&& use) {
    const std::string format = reader_of_(files_[0]).name;
    for (const std::string& file : files_) {
      options.stop.throw_if_requested("reading");
      const Reader& reader = reader_of_(file);
      if (reader.name != format)
        throw DataError(file,
                        fmt::format("is {}, and {} is {}; the files of a folder are parts of one table",
                                    reader.name, files_[0], format),
                        "Name one file, or one reader for all: NAME:FOLDER.");
      std::optional<decltype(read(file, reader))> part;
      try {
        part.emplace(read(file, reader));
      } catch (NoRows& error) {  // a job without results writes one
        error.add_place("the folder " + folder_);
        empty_.emplace_back(file, error);
        continue;
      } catch (Error& error) {
        error.add_place("the folder " + folder_);
        throw;
      }
      add(file, *result_of(*part));
      use(file, std::move(*part));
    }
    if (first_.empty()) throw NoRows(empty_[0].second);
    check_empty();
    told_.guesses.insert(told_.guesses.begin(), fmt::format("files: {} of {}", files_.size(), format));
    if (options.sha256) told_.sha256 = to_hex(digest_.finish());
  }
  const std::vector<std::string>& files() const { return files_; }
  ReadResult& told() { return told_; }

 private:
  static const ReadResult* result_of(const ReadResult& read) { return &read; }
  static const ReadResult* result_of(const std::shared_ptr<TableParts>& parts) { return &parts->about(); }

  void add(const std::string& file, const ReadResult& part) {
    if (part.test)
      throw DataError(file, "brings a test part of its own, which a part of a table cannot",
                      "Name one file.");
    if (first_.empty()) {
      first_ = file;
      names_ = set_of(part.table.names());
      told_.guesses = part.guesses;
      told_.target = part.target, told_.group = part.group, told_.id = part.id;
    }
    for (const Warning& w : part.warnings)
      if (std::ranges::none_of(told_.warnings,
                               [&](const Warning& known) { return known.message == w.message; }))
        told_.warnings.push_back(w);
    digest_.update(part.sha256);
  }

  // Columns without rows whose names differ show a file that belongs elsewhere.
  void check_empty() {
    for (const auto& [file, error] : empty_) {
      const std::set<std::string> mine = set_of(error.columns);
      if (mine.empty()) throw NoRows(error);
      if (mine != names_)
        throw DataError(file,
                        fmt::format("its columns without rows, {}, are not those of {}, {}", shown(mine),
                                    first_, shown(names_)),
                        "The files of a folder are read as one table.");
      told_.warnings.push_back({"part_without_rows", file, fmt::format("{} has columns and no rows.", file)});
    }
  }

  std::string folder_;
  std::vector<std::string> files_;
  const std::function<const Reader&(const std::string&)>& reader_of_;
  ReadResult told_;
  std::string first_;
  std::set<std::string> names_;
  std::vector<std::pair<std::string, NoRows>> empty_;
  Sha256 digest_;
};

}  // namespace

ReadResult read_folder(const std::string& folder,
                       const std::function<const Reader&(const std::string&)>& reader_of,
                       const ReadOptions& options) {
  FolderFacts facts(folder, reader_of);
  std::vector<NamedTable> tables;
  facts.each(
      options, [&](const std::string& file, const Reader& reader) { return reader.read(file, options); },
      [&](const std::string& file, ReadResult part) {
        tables.push_back({file, std::move(part.table), declared_in(part.schema)});
      });
  ReadResult result = stack_rows(std::move(tables), options);
  ReadResult& told = facts.told();
  told.table = std::move(result.table);
  told.schema = std::move(result.schema);
  told.warnings.insert(told.warnings.end(), result.warnings.begin(), result.warnings.end());
  return std::move(told);
}

std::unique_ptr<TableParts> folder_parts(const std::string& folder,
                                         const std::function<const Reader&(const std::string&)>& reader_of,
                                         const ReadOptions& options, std::size_t part_bytes,
                                         std::uint64_t kept_bytes) {
  FolderFacts facts(folder, reader_of);
  double bytes = 1;
  for (const std::string& file : facts.files()) {
    if (!reader_of(file).parts || !fs::is_regular_file(file)) return nullptr;
    bytes += static_cast<double>(fs::file_size(file));
  }
  std::vector<NamedParts> tables;
  facts.each(
      options,
      [&](const std::string& file, const Reader& reader) {
        const double share = static_cast<double>(fs::file_size(file)) / bytes;
        return std::shared_ptr<TableParts>(reader.parts(
            file, options, part_bytes, static_cast<std::uint64_t>(share * static_cast<double>(kept_bytes))));
      },
      [&](const std::string& file, std::shared_ptr<TableParts> parts) {
        // Told before the next file is read, which may take long.
        if (!tables.empty())
          require_same_columns({tables[0].name, tables[0].parts->about().table},
                               {file, parts->about().table});
        tables.push_back({file, std::move(parts)});
      });
  return stack_parts(std::move(tables), std::move(facts.told()), options);
}

}  // namespace cairn
