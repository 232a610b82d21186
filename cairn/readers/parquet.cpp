#include "cairn/readers/parquet.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <array>
#include <filesystem>
#include <string>

#include "cairn/base/hash.h"
#include "cairn/base/parallel.h"
#include "cairn/data/cells.h"
#include "cairn/data/compressed_input.h"
#include "cairn/readers/arrow_stream_internal.h"

namespace cairn {
namespace {

namespace fs = std::filesystem;

using OpenArrow = int (*)(const char* bytes, std::size_t size, int threads, ArrowArrayStream* out,
                          char* message, std::size_t message_size);

constexpr const char* kPlugin = "libcairn_arrow.so";

struct Plugin {
  OpenArrow open = nullptr;
  std::string reason;  // why one that is there does not load
};

// Beside the program, where a build puts it, or where it is installed: below the program, or where the build
// said.
Plugin find_plugin() {
  Plugin plugin;
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error).parent_path();
  for (const fs::path& path :
       {program / kPlugin, program.parent_path() / kPlugin, program.parent_path() / "lib" / "cairn" / kPlugin,
        fs::path(CAIRN_PLUGIN_FOLDER) / kPlugin, fs::path(kPlugin)}) {
    ::dlerror();
    if (void* handle = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL))
      if (void* open = ::dlsym(handle, "cairn_arrow_open")) {
        plugin.open = reinterpret_cast<OpenArrow>(open);
        return plugin;
      }
    const char* said = ::dlerror();
    if (plugin.reason.empty() && path.has_parent_path() && fs::exists(path, error))
      plugin.reason = said ? said : path.string() + " is another library";
  }
  return plugin;
}

const Plugin& plugin() {
  static const Plugin found = find_plugin();
  return found;
}

bool is_parquet(std::string_view bytes) { return bytes.starts_with("PAR1"); }

// A file, or a stream of messages, of which the first describes the columns.
bool is_arrow(std::string_view bytes) {
  constexpr std::string_view kStream("\xff\xff\xff\xff", 4);
  return bytes.starts_with("ARROW1") || bytes.starts_with("FEA1") ||
         (bytes.starts_with(kStream) && bytes.size() > 8 && bytes[7] == '\0');
}

}  // namespace

bool can_read_parquet() { return plugin().open != nullptr; }

ReadResult read_parquet(const std::string& path, const ReadOptions& options) {
  const std::string where = path == "-" ? "standard input" : path;
  InputLimits limits;
  if (options.max_memory > 0) limits.max_bytes = options.max_memory;
  const InputBytes input = open_input(path, limits, options.stop);
  const std::string_view bytes = input.bytes();
  if (bytes.empty()) throw DataError(where, "is empty; a Parquet or Arrow file was expected");
  if (bytes.starts_with("FEA1"))
    throw DataError(where, "is Feather of version 1, which Arrow has given up",
                    "Write it again: pyarrow.feather.write_feather(frame, FILE).");
  if (!is_parquet(bytes) && !is_arrow(bytes)) throw DataError(where, "is neither Parquet nor Arrow");
  const OpenArrow open = plugin().open;
  if (!open && !plugin().reason.empty())
    throw NotSupported(
        where,
        fmt::format("is {}, which Arrow's C++ library reads, and what reads it does not load: {}",
                    is_parquet(bytes) ? "Parquet" : "Arrow", printable(plugin().reason)),
        "Is Arrow's library still where it was when Cairn was built? scripts/setup arrow fetches it.");
  if (!open)
    throw NotSupported(
        where,
        fmt::format("is {}, which Arrow's C++ library reads; this build was made without it ({} is "
                    "not beside the program)",
                    is_parquet(bytes) ? "Parquet" : "Arrow", kPlugin),
        "In Cairn's sources: scripts/setup arrow && cmake --preset release && cmake --build --preset "
        "release.");
  ArrowArrayStream stream{};
  std::array<char, 512> message{};
  if (open(bytes.data(), bytes.size(), num_threads(), &stream, message.data(), message.size()) != 0)
    throw DataError(where, fmt::format("Arrow's library cannot open it: {}", printable(message.data())),
                    "Was it cut short? Fetch or write it again.");
  ReadResult result = readers_detail::table_of_stream(stream, where, options);
  if (input.encoding() != "plain")
    result.guesses.insert(result.guesses.begin(), "compression: " + input.encoding());
  if (options.sha256) result.sha256 = sha256_hex(bytes);
  return result;
}

const Reader kParquetReader = {
    .name = "parquet",
    .doc = "Parquet, where the build has found Arrow's C++ library: scripts/setup arrow.",
    .sniff = &is_parquet,
    .read = &read_parquet,
};

const Reader kArrowReader = {
    .name = "arrow",
    .doc = "Arrow's files and streams (Feather 2), where the build has found Arrow's C++ library.",
    .sniff = &is_arrow,
    .read = &read_parquet,
};

}  // namespace cairn
