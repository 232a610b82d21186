#include <cstring>

#include "cairn/data/csv_record_internal.h"

namespace cairn {

std::string_view RawCell::value(char quote, std::string& scratch) const {
  if (!doubled) return raw();
  scratch.clear();
  for (std::size_t i = 0; i < size; ++i) {
    scratch += data[i];
    if (data[i] == quote) ++i;
  }
  return scratch;
}

const char* RecordReader::line_end(const char* p) const {
  const char* end = text_.data() + text_.size();
  const void* found = p < end ? std::memchr(p, dialect_.newline, static_cast<std::size_t>(end - p)) : nullptr;
  return found ? static_cast<const char*>(found) : end;
}

bool RecordReader::quoted_cell(const char*& p, RawCell& cell, RecordStatus& status) {
  const char* const end = text_.data() + text_.size();
  const char* const open = p;
  cell = {open + 1, 0, true, false};
  for (const char* at = open + 1;;) {
    const void* found =
        at < end ? std::memchr(at, dialect_.quote, static_cast<std::size_t>(end - at)) : nullptr;
    if (!found) {
      fault_ = static_cast<std::size_t>(open - text_.data());
      status = RecordStatus::unterminated_quote;
      return false;
    }
    at = static_cast<const char*>(found) + 1;
    if (at < end && *at == dialect_.quote) {
      cell.doubled = true;
      ++at;
      continue;
    }
    cell.size = static_cast<std::size_t>(at - 1 - cell.data);
    p = at;
    break;
  }
  while (p < end && !at_separator(*p) && (is_blank(*p) || (*p == '\r' && dialect_.newline != '\r'))) ++p;
  if (p == end || *p == dialect_.newline || at_separator(*p)) return true;
  fault_ = static_cast<std::size_t>(open - text_.data());
  status = RecordStatus::text_after_quote;
  return false;
}

void RecordReader::bare_cell(const char*& p, RawCell& cell) {
  const char* const end = text_.data() + text_.size();
  const char* const begin = p;
  for (; p < end && *p != dialect_.newline && !at_separator(*p); ++p)
    if (dialect_.quote != 0 && *p == dialect_.quote) stray_ = true;
  const char* last = p;
  if (last > begin && last[-1] == '\r' && dialect_.newline != '\r' && (p == end || *p == dialect_.newline))
    --last;
  const char* const before = last;
  while (last > begin && is_blank(last[-1])) --last;
  trimmed_ = trimmed_ || last != before;
  cell = {begin, static_cast<std::size_t>(last - begin), false, false};
}

RecordStatus RecordReader::read(std::size_t& at, std::vector<RawCell>& cells) {
  cells.clear();
  const char* const begin = text_.data();
  const char* const end = begin + text_.size();
  const char* p = begin + at;
  const auto finish = [&](const char* line_stop) {
    at = static_cast<std::size_t>(line_stop - begin) + (line_stop < end ? 1 : 0);
  };
  if (!dialect_.comment.empty() && text_.substr(at).starts_with(dialect_.comment)) {
    const char* stop = line_end(p);
    if (dialect_.quote != 0 && std::memchr(p, dialect_.quote, static_cast<std::size_t>(stop - p)))
      stray_ = true;
    finish(stop);
    return RecordStatus::comment;
  }
  const char* q = p;
  while (q < end && (is_blank(*q) || (*q == '\r' && dialect_.newline != '\r'))) ++q;
  if (q == end || *q == dialect_.newline) {
    finish(q);
    return RecordStatus::blank;
  }
  RecordStatus status = RecordStatus::row;
  for (;;) {
    if (p < end && is_blank(*p)) trimmed_ = true;
    while (p < end && is_blank(*p)) ++p;
    const bool line_over =
        p == end || *p == dialect_.newline || (*p == '\r' && p + 1 < end && p[1] == dialect_.newline);
    if (line_over && dialect_.runs_of_blanks() && !cells.empty()) {
      p = line_end(p);
      break;
    }
    RawCell cell;
    if (p < end && dialect_.quote != 0 && *p == dialect_.quote) {
      if (!quoted_cell(p, cell, status)) return status;
    } else {
      bare_cell(p, cell);
    }
    cells.push_back(cell);
    if (p == end || *p == dialect_.newline) break;
    ++p;
  }
  finish(p);
  return RecordStatus::row;
}

}  // namespace cairn
