#include "cairn/data/csv.h"

#include "cairn/data/compressed_input.h"
#include "cairn/data/csv_reading_internal.h"

namespace cairn {
namespace {

// False when quotes that quote nothing were met and the file may be read without them; `trouble` says where.
bool read_whole(const std::shared_ptr<CsvReading>& reading, ReadResult& result, Fault& trouble) {
  if (!reading->begin(trouble)) return false;
  Fault fault = reading->convert(0, reading->num_regions());
  if (fault.kind == FaultKind::stray_quote) {
    reading->split_exactly();
    fault = reading->convert(0, reading->num_regions());
  }
  if (CsvReading::is_trouble(fault)) {
    trouble = fault;
    return false;
  }
  if (fault.kind != FaultKind::none) reading->refuse(fault);
  if (reading->take(result) == 0) reading->refuse_no_rows();
  reading->report(result);
  return true;
}

ReadResult read_bytes(std::string_view bytes, const std::string& name, const ReadOptions& options,
                      const InputBytes* input) {
  const std::string_view text = checked_text(bytes, name, options);
  ReadResult result;
  if (options.sha256) result.sha256 = sha256_of(bytes, input, options.stop);
  if (options.progress) options.progress->begin("reading " + name, static_cast<std::int64_t>(bytes.size()));
  read_with_or_without_quotes(text, name, options, input, kRegionBytes, &read_whole, result);
  if (options.progress) {
    options.progress->advance(static_cast<std::int64_t>(bytes.size()));
    options.progress->end();
  }
  return result;
}

bool sniff_text(std::string_view bytes) {
  if (bytes.starts_with("\xff\xfe") || bytes.starts_with("\xfe\xff"))
    return true;  // refused with the way out, not unknown
  return !bytes.empty() && bytes.find('\0') == bytes.npos;
}

}  // namespace

ReadResult read_csv_text(std::string_view text, const std::string& name, const ReadOptions& options) {
  return read_bytes(text, name, options, nullptr);
}

ReadResult read_csv(const std::string& path, const ReadOptions& options) {
  InputLimits limits;
  if (options.max_memory > 0) limits.max_bytes = options.max_memory;
  limits.way_out =
      "--max-memory sets how much may be read; train and describe read files beyond it in parts.";
  const InputBytes input = open_input(path, limits, options.stop);
  ReadResult result = read_bytes(input.bytes(), path == "-" ? "standard input" : path, options, &input);
  if (input.encoding() != "plain")
    result.guesses.insert(result.guesses.begin(), "compression: " + input.encoding());
  return result;
}

const Reader kCsvReader = {
    .name = "csv",
    .doc = "Delimited text: comma, tab, semicolon, bar or blanks; plain, .gz or .zst.",
    .sniff = &sniff_text,
    .read = [](const std::string& path, const ReadOptions& options) { return read_csv(path, options); },
    .parts = &csv_parts,
};

}  // namespace cairn
