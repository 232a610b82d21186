#include "cairn/run/read_folder.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <utility>

#include "cairn/base/hash.h"
#include "cairn/data/cells.h"
#include "cairn/data/no_rows.h"
#include "cairn/data/stack.h"
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

}  // namespace

ReadResult read_folder(const std::string& folder,
                       const std::function<const Reader&(const std::string&)>& reader_of,
                       const ReadOptions& options) {
  const std::vector<std::string> files = files_of(folder);
  const std::string format = reader_of(files[0]).name;
  std::vector<NamedTable> tables;
  std::vector<std::string> guesses;
  std::vector<Warning> warnings;
  std::vector<std::pair<std::string, NoRows>> empty;
  std::string target, group;
  std::vector<std::string> id;
  Sha256 digest;
  for (const std::string& file : files) {
    options.stop.throw_if_requested("reading");
    const Reader& reader = reader_of(file);
    if (reader.name != format)
      throw DataError(file,
                      fmt::format("is {}, and {} is {}; the files of a folder are parts of one table",
                                  reader.name, files[0], format),
                      "Name one file, or one reader for all: NAME:FOLDER.");
    ReadResult part;
    try {
      part = reader.read(file, options);
    } catch (NoRows& error) {  // a job without results writes one
      error.add_place("the folder " + folder);
      empty.emplace_back(file, error);
      continue;
    } catch (Error& error) {
      error.add_place("the folder " + folder);
      throw;
    }
    if (part.test)
      throw DataError(file, "brings a test part of its own, which a part of a table cannot",
                      "Name one file.");
    if (tables.empty()) {
      guesses = part.guesses;
      target = part.target, group = part.group, id = part.id;
    }
    for (Warning& w : part.warnings)
      if (std::ranges::none_of(warnings, [&](const Warning& known) { return known.message == w.message; }))
        warnings.push_back(std::move(w));
    digest.update(part.sha256);
    tables.push_back({file, std::move(part.table), declared_in(part.schema)});
  }
  if (tables.empty()) throw NoRows(empty[0].second);
  const std::set<std::string> names = set_of(tables[0].table.names());
  for (const auto& [file, error] : empty) {
    // Columns without rows whose names differ show a file that belongs elsewhere.
    const std::set<std::string> mine = set_of(error.columns);
    if (mine.empty()) throw NoRows(error);
    if (mine != names)
      throw DataError(file,
                      fmt::format("its columns without rows, {}, are not those of {}, {}", shown(mine),
                                  tables[0].name, shown(names)),
                      "The files of a folder are read as one table.");
    warnings.push_back({"part_without_rows", file, fmt::format("{} has columns and no rows.", file)});
  }
  ReadResult result = stack_rows(std::move(tables), options);
  result.guesses = std::move(guesses);
  result.guesses.insert(result.guesses.begin(), fmt::format("files: {} of {}", files.size(), format));
  result.warnings.insert(result.warnings.begin(), warnings.begin(), warnings.end());
  result.target = target, result.group = group, result.id = id;
  if (options.sha256) result.sha256 = to_hex(digest.finish());
  return result;
}

}  // namespace cairn
