#include "cairn/run/read.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "cairn/base/split_commas.h"
#include "cairn/base/suggest.h"
#include "cairn/data/compressed_input.h"
#include "cairn/run/quantities.h"
#include "cairn/run/read_folder.h"

namespace cairn {
namespace {

ReadOptions read_options(const ReadFlags& flags) {
  ReadOptions o;
  if (!flags.header.empty() && flags.header != "yes" && flags.header != "no")
    throw UsageError("--header", fmt::format("'{}' is neither yes nor no", flags.header));
  o.header = flags.header;
  o.skip = flags.skip;
  o.separator = flags.separator;
  o.quote = flags.quote;
  o.comment = flags.comment;
  o.decimal = flags.decimal.empty() ? '\0' : flags.decimal[0];
  o.thousands = flags.thousands.empty() ? '\0' : flags.thousands[0];
  o.na = split_commas(flags.na);
  o.max_memory = parse_bytes("--max-memory", flags.max_memory);
  for (const std::string& type : split_commas(flags.types)) {
    const auto equals = type.rfind('=');
    if (equals == std::string::npos)
      throw UsageError("--types", fmt::format("'{}' is not of the form column=kind", type),
                       "Such as --types zip=category.");
    o.types[type.substr(0, equals)] = column_kind_from_name(type.substr(equals + 1));
  }
  return o;
}

void check_exists(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code error;
  if (fs::exists(path, error)) return;
  const fs::path folder = fs::path(path).has_parent_path() ? fs::path(path).parent_path() : fs::path(".");
  std::vector<std::string> beside;
  for (fs::directory_iterator it(folder, error), end; !error && it != end && beside.size() < 10000;
       it.increment(error))
    beside.push_back(it->path().filename().string());
  const std::string near = nearest(fs::path(path).filename().string(), beside);
  throw FileError(
      path, "there is no such file",
      near.empty() ? "" : fmt::format("Did you mean '{}'?", (folder / near).lexically_normal().string()));
}

// The reader that knows the first bytes of a file, or of standard input. A table in text form is what is
// left.
const Reader& reader_for(const std::string& path, const Registry& registry) {
  CAIRN_ASSERT(!registry.readers.empty());
  constexpr std::size_t kEnough = std::size_t{1} << 16;
  const std::string bytes = first_bytes(path, kEnough);
  const auto known = std::ranges::find_if(registry.readers.begin() + 1, registry.readers.end(),
                                          [&](const Reader& r) { return r.sniff && r.sniff(bytes); });
  return known == registry.readers.end() ? registry.readers.front() : *known;
}

ReadResult read_any(const std::string& path, const Registry& registry, const ReadOptions& options) {
  std::error_code error;
  if (path == "-" || !std::filesystem::is_directory(path, error))
    return reader_for(path, registry).read(path, options);
  for (const Reader& r : registry.readers)
    if (r.sniff_folder && r.sniff_folder(path)) return r.read(path, options);
  return read_folder(
      path, [&](const std::string& file) -> const Reader& { return reader_for(file, registry); }, options);
}

// Where the arguments begin: behind the first file that is there, since SQL may hold question marks too.
std::size_t question_of(const std::string& text) {
  std::error_code error;
  for (auto at = text.find('?'); at != std::string::npos; at = text.find('?', at + 1))
    if (std::filesystem::exists(text.substr(0, at), error)) return at;
  return text.find('?');
}

// `file?a=b&c=d` after a reader's name: the file, and the arguments into `options`. A file of the whole name
// wins.
std::string take_arguments(const std::string& text, const Reader& reader, ReadOptions& options) {
  std::error_code error;
  const auto question = question_of(text);
  if (question == std::string::npos || std::filesystem::exists(text, error)) return text;
  for (std::size_t begin = question + 1; begin < text.size();) {
    std::size_t end = std::min(text.find('&', begin), text.size());
    const auto equals = std::min(text.find('=', begin), end);
    const std::string name = text.substr(begin, equals - begin);
    if (equals == end) throw UsageError(reader.name, fmt::format("'{}' is not of the form name=value", name));
    if (std::ranges::find(reader.arguments, name) == reader.arguments.end())
      throw UsageError(reader.name, fmt::format("has no argument '{}'", name),
                       suggestion(name, reader.arguments));
    if (name == reader.whole_argument) end = text.size();
    options.arguments[name] = text.substr(equals + 1, end - equals - 1);
    begin = end + 1;
  }
  return text.substr(0, question);
}

// The path behind a reader's name.
ReadResult read_named(const Reader& reader, const std::string& path, const ReadOptions& options) {
  std::error_code error;
  if (path == "-") return reader.read(path, options);
  if (path.empty())
    throw UsageError(reader.name, "no file was named", fmt::format("Such as {}:FILE.", reader.name));
  if (reader.many_files && !std::filesystem::exists(path, error)) {
    for (const std::string& one : split_commas({path})) check_exists(one);
    return reader.read(path, options);
  }
  check_exists(path);
  if (std::filesystem::is_directory(path, error) && !reader.sniff_folder)
    return read_folder(
        path, [only = &reader](const std::string&) -> const Reader& { return *only; }, options);
  return reader.read(path, options);
}

}  // namespace

ReadResult read_data(const std::string& data, const ReadFlags& flags, const Registry& registry,
                     const Schema* schema, StopToken stop, Progress* progress) {
  if (data.empty()) throw UsageError("data", "no data were named", "Name a file, or - for standard input.");
  ReadOptions options = read_options(flags);
  options.schema = schema;
  options.stop = std::move(stop);
  options.progress = progress;
  std::error_code error;
  const auto colon = data.find(':');
  if (colon != std::string::npos && colon > 1 && !std::filesystem::exists(data, error)) {
    const Reader& reader = registry.reader(data.substr(0, colon));
    return read_named(reader, take_arguments(data.substr(colon + 1), reader, options), options);
  }
  if (data != "-") check_exists(data);
  return read_any(data, registry, options);
}

namespace {

// Bytes that a file may unpack to; 0 for what is no file. Gzip packs up to a thousand equal bytes into one.
std::uint64_t most_content(const std::string& file) {
  constexpr std::uint64_t kMostRatio = 1032;
  std::error_code error;
  if (!std::filesystem::is_regular_file(file, error)) return 0;
  const std::uint64_t size = std::filesystem::file_size(file, error);
  return error ? 0 : size * (is_compressed_file(file) ? kMostRatio : 1);
}

}  // namespace

PartSizes part_sizes(std::uint64_t most) {
  constexpr std::uint64_t kSmallShare = 100;  // what is smaller is simply read
  // A cell of two bytes takes up to some 70 of them on its way to a learner.
  constexpr std::uint64_t kPartShare = 256;
  constexpr std::size_t kLeastPart = std::size_t{1} << 16, kMostPart = std::size_t{8} << 20;
  constexpr std::uint64_t kKeptShare = 4;  // rows that are kept are put together, and are there twice
  return {.least_bytes = most / kSmallShare,
          .part_bytes = std::clamp<std::size_t>(most / kPartShare, kLeastPart, kMostPart),
          .kept_bytes = most / kKeptShare};
}

std::shared_ptr<TableParts> read_in_parts(const std::string& data, const ReadFlags& flags,
                                          const Registry& registry, const PartSizes& sizes, StopToken stop,
                                          Progress* progress) {
  ReadOptions options = read_options(flags);
  options.stop = std::move(stop);
  options.progress = progress;
  std::error_code error;
  std::string path = data;
  const Reader* named = nullptr;
  const auto colon = data.find(':');
  if (colon != std::string::npos && colon > 1 && !std::filesystem::exists(data, error)) {
    named = &registry.reader(data.substr(0, colon));
    path = data.substr(colon + 1);
  }
  const auto reader_of = [&](const std::string& file) -> const Reader& {
    return named ? *named : reader_for(file, registry);
  };
  if (!std::filesystem::is_directory(path, error)) {
    if (most_content(path) <= sizes.least_bytes) return nullptr;
    const Reader& reader = reader_of(path);
    return reader.parts ? reader.parts(path, options, sizes.part_bytes, sizes.kept_bytes) : nullptr;
  }
  const auto reads_folder = [&](const Reader& r) { return r.sniff_folder && r.sniff_folder(path); };
  if (named ? named->sniff_folder != nullptr : std::ranges::any_of(registry.readers, reads_folder))
    return nullptr;
  std::uint64_t bytes = 0;
  for (std::filesystem::directory_iterator it(path, error), end; !error && it != end; it.increment(error))
    bytes += most_content(it->path().string());
  if (bytes <= sizes.least_bytes) return nullptr;
  return folder_parts(path, reader_of, options, sizes.part_bytes, sizes.kept_bytes);
}

std::string data_name(const std::string& data) {
  if (data == "-" || data.ends_with(":-")) return "stdin";
  std::string whole = data.substr(0, data.find('?'));
  while (whole.ends_with('/')) whole.pop_back();
  std::string name = whole.substr(whole.rfind('/') + 1);
  if (const auto colon = name.find(':'); colon != std::string::npos && colon > 1)
    name = name.substr(colon + 1);
  const auto dot = name.find('.');
  name = dot == std::string::npos || dot == 0 ? name : name.substr(0, dot);
  for (char& c : name)
    if (!std::isalnum(static_cast<unsigned char>(c)) && c != '_' && c != '-') c = '_';
  return name.empty() ? "data" : name;
}

}  // namespace cairn
