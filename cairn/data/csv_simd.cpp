#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "cairn/data/csv_simd.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#include "cairn/data/csv_simd_internal.h"

HWY_BEFORE_NAMESPACE();
namespace cairn {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

constexpr std::size_t kBlock = 64;
constexpr std::size_t kBatch =
    8192;  // bytes scanned ahead: text, marks and results of a batch stay in the nearest cache
constexpr std::size_t kCellBytes = 16;

using D8 = hn::CappedTag<std::uint8_t, kBlock>;
using V8 = hn::Vec<D8>;

template <class D, class M>
HWY_INLINE std::uint64_t bits_of(D d, M mask) {
  std::uint8_t bytes[8] = {};
  hn::StoreMaskBits(d, mask, bytes);
  std::uint64_t bits = 0;
  constexpr std::size_t kBytes = (hn::MaxLanes(D{}) + 7) / 8;
  std::memcpy(&bits, bytes, kBytes);
  return bits;
}

// One bit for each of 64 bytes: is f(byte) set?
template <class F>
HWY_INLINE std::uint64_t block_bits(const std::uint8_t* p, F&& f) {
  const D8 d;
  std::uint64_t bits = 0;
  for (std::size_t i = 0; i < kBlock; i += hn::Lanes(d)) bits |= bits_of(d, f(hn::LoadU(d, p + i))) << i;
  return bits;
}

// Bit i of the result: is the number of ones in bits 0 to i odd?
HWY_INLINE std::uint64_t prefix_xor(std::uint64_t bits) {
  for (int shift = 1; shift < 64; shift *= 2) bits ^= bits << shift;
  return bits;
}

struct LineEnds {
  Stretch found;
  std::uint64_t inside = 0;  // all ones when the bytes so far hold an odd number of quotes

  HWY_INLINE void add(std::uint64_t line_ends, std::uint64_t quotes, std::size_t at) {
    std::uint64_t within = inside;
    if (quotes != 0) {
      within ^= prefix_xor(quotes);
      inside ^= (std::popcount(quotes) & 1) != 0 ? ~std::uint64_t{0} : 0;
    }
    count(line_ends & ~within, 0, at);
    count(line_ends & within, 1, at);
  }
  HWY_INLINE void count(std::uint64_t line_ends, int state, std::size_t at) {
    if (line_ends == 0) return;
    if (found.line_ends[state] == 0)
      found.first[state] = at + static_cast<std::size_t>(std::countr_zero(line_ends));
    found.line_ends[state] += std::popcount(line_ends);
  }
};

Stretch scan_stretch_wide(const char* text, std::size_t begin, std::size_t end, char newline, char quote) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(text);
  const D8 d;
  const V8 newlines = hn::Set(d, static_cast<std::uint8_t>(newline));
  const V8 quotes = hn::Set(d, static_cast<std::uint8_t>(quote));
  LineEnds ends;
  std::size_t at = begin;
  const auto add = [&](const std::uint8_t* block, std::uint64_t valid) HWY_ATTR {
    const std::uint64_t line_bits =
        block_bits(block, [&](V8 v) HWY_ATTR { return hn::Eq(v, newlines); }) & valid;
    std::uint64_t quote_bits = 0;
    if (quote != 0) quote_bits = block_bits(block, [&](V8 v) HWY_ATTR { return hn::Eq(v, quotes); }) & valid;
    ends.add(line_bits, quote_bits, at);
  };
  for (; at + kBlock <= end; at += kBlock) add(bytes + at, ~std::uint64_t{0});
  if (at < end) {
    std::uint8_t tail[kBlock] = {};
    std::memcpy(tail, bytes + at, end - at);
    add(tail, (std::uint64_t{1} << (end - at)) - 1);
  }
  ends.found.odd_quotes = ends.inside != 0;
  return ends.found;
}

// Scans text ahead of the marks that are known.
class Marker {
 public:
  explicit Marker(PlainRows& rows)
      : rows_(rows),
        separators_(hn::Set(D8{}, static_cast<std::uint8_t>(rows.separator))),
        newlines_(hn::Set(D8{}, static_cast<std::uint8_t>(rows.newline))),
        quotes_(hn::Set(D8{}, static_cast<std::uint8_t>(rows.quote))) {}

  // At least one batch more, and until a whole row is known or the text ends.
  void refill() {
    PlainRows& r = rows_;
    forget_read_marks();
    const std::size_t wanted = r.num_marks + r.columns.size();
    for (std::size_t stop = std::min(r.size, r.scanned + kBatch); r.scanned < r.size;) {
      if (r.num_marks + 2 * kBlock > r.marks.size()) {
        r.marks.resize(2 * r.marks.size() + kBatch);
        r.breaks.resize(r.marks.size());
      }
      block();
      if (r.scanned >= stop && r.num_marks >= wanted) break;
    }
  }

 private:
  void forget_read_marks() {
    PlainRows& r = rows_;
    std::copy(r.marks.begin() + static_cast<std::ptrdiff_t>(r.next_mark),
              r.marks.begin() + static_cast<std::ptrdiff_t>(r.num_marks), r.marks.begin());
    std::size_t kept = 0;
    for (std::size_t i = r.next_break; i < r.num_breaks; ++i) r.breaks[kept++] = r.breaks[i] - r.next_mark;
    r.num_marks -= r.next_mark;
    r.num_breaks = kept;
    r.next_mark = r.next_break = 0;
  }

  HWY_INLINE void block() {
    PlainRows& r = rows_;
    const auto* p = reinterpret_cast<const std::uint8_t*>(r.text) + r.scanned;
    std::uint8_t tail[kBlock];
    std::uint64_t valid = ~std::uint64_t{0};
    if (r.size - r.scanned < kBlock) {
      std::memset(tail, 'x', kBlock);
      std::memcpy(tail, p, r.size - r.scanned);
      valid = (std::uint64_t{1} << (r.size - r.scanned)) - 1;
      p = tail;
    }
    const D8 d;
    const V8 zero = hn::Zero(d), high = hn::Set(d, 128);
    std::uint64_t breaks = 0, marks = 0, odd = 0;
    for (std::size_t i = 0; i < kBlock; i += hn::Lanes(d)) {
      const V8 v = hn::LoadU(d, p + i);
      auto stops = hn::Eq(v, newlines_);
      if (r.quote != 0) stops = hn::Or(stops, hn::Eq(v, quotes_));
      breaks |= bits_of(d, stops) << i;
      marks |= bits_of(d, hn::Or(stops, hn::Eq(v, separators_))) << i;
      odd |= bits_of(d, hn::Or(hn::Eq(v, zero), hn::Eq(hn::And(v, high), high))) << i;
    }
    r.odd_bytes = r.odd_bytes || odd != 0;
    store(marks & valid, breaks & valid);
    r.scanned += std::min(kBlock, r.size - r.scanned);
  }

  HWY_INLINE void store(std::uint64_t marks, std::uint64_t breaks) {
    PlainRows& r = rows_;
    for (std::uint64_t left = breaks; left != 0; left &= left - 1)
      r.breaks[r.num_breaks++] =
          r.num_marks + static_cast<std::size_t>(std::popcount(marks & ((left & (~left + 1)) - 1)));
    const auto count = static_cast<std::size_t>(std::popcount(marks));
    // Always a dozen: stores behind the end do no harm, and the usual block needs no loop whose end must be
    // guessed.
    std::size_t* to = r.marks.data() + r.num_marks;
    std::uint64_t left = marks;
    for (std::size_t i = 0; i < 12; ++i, left &= left - 1)
      to[i] = r.scanned + static_cast<std::size_t>(std::countr_zero(left));
    for (std::size_t i = 12; i < count; ++i, left &= left - 1)
      to[i] = r.scanned + static_cast<std::size_t>(std::countr_zero(left));
    r.num_marks += count;
  }

  PlainRows& rows_;
  V8 separators_, newlines_, quotes_;
};

constexpr double kPowersOfTen[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                   1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};

struct Decimal {
  std::uint64_t digits = 0;    // all of them, as one whole number
  std::uint32_t fraction = 0;  // how many stand behind the decimal sign
  std::uint32_t negative = 0;
  bool point = false;
};

#if HWY_TARGET == HWY_SCALAR
class DecimalParser {  // without vectors every number takes the general way
 public:
  explicit DecimalParser(char) {}
  bool parse(const char*, std::size_t, Decimal&) const { return false; }
};
#else
// The value of eight decimal digits, the first one in the lowest byte.
HWY_INLINE std::uint64_t eight_digits(std::uint64_t v) {
  v = v * 10 + (v >> 8);
  return (((v & 0x000000FF000000FFULL) * 0x000F424000000064ULL) +
          (((v >> 16) & 0x000000FF000000FFULL) * 0x0000271000000001ULL)) >>
         32;
}

// A sign, at most 16 digits and a decimal sign among them, without branches: the digits are moved together to
// the right of a vector by one shuffle. False when the cell is anything else.
class DecimalParser {
 public:
  explicit DecimalParser(char decimal)
      : decimal_(hn::Set(D16{}, static_cast<std::uint8_t>(decimal))), iota_(hn::Iota(D16S{}, 0)) {}

  HWY_INLINE bool parse(const char* p, std::size_t length, Decimal& out) const {
    const D16 d;
    const D16S ds;
    const auto v = hn::LoadU(d, reinterpret_cast<const std::uint8_t*>(p));
    const auto digit = hn::Sub(v, hn::Set(d, '0'));
    const auto is_digit = hn::Eq(hn::Min(digit, hn::Set(d, 9)), digit);
    const auto within = static_cast<std::uint32_t>((std::uint64_t{1} << length) - 1);
    const std::uint32_t digits = static_cast<std::uint32_t>(bits_of(d, is_digit)) & within;
    const std::uint32_t points = static_cast<std::uint32_t>(bits_of(d, hn::Eq(v, decimal_))) & within;
    const std::uint32_t negative = *p == '-';
    if ((digits | points | negative) != within || (points & (points - 1)) != 0 || digits == 0) return false;
    const auto has_point = static_cast<std::uint32_t>(points != 0);
    const auto point = static_cast<std::uint32_t>(std::countr_zero(points | 0x10000U));
    const auto shift = static_cast<std::int8_t>(static_cast<int>(length) - static_cast<int>(has_point) - 16);
    auto source = hn::Add(iota_, hn::Set(ds, shift));
    const auto behind = hn::Gt(source, hn::Set(ds, static_cast<std::int8_t>(static_cast<int>(point) - 1)));
    source = hn::Sub(source, hn::VecFromMask(ds, behind));
    const auto joined = hn::TableLookupBytesOr0(hn::IfThenElseZero(is_digit, digit), hn::BitCast(d, source));
    const auto halves = hn::BitCast(hn::Full128<std::uint64_t>{}, joined);
    out.digits = eight_digits(hn::GetLane(halves)) * 100'000'000U + eight_digits(hn::ExtractLane(halves, 1));
    out.fraction = (static_cast<std::uint32_t>(length) - 1 - point) & (0U - has_point);
    out.negative = negative;
    out.point = has_point != 0;
    return true;
  }

 private:
  using D16 = hn::Full128<std::uint8_t>;
  using D16S = hn::Full128<std::int8_t>;
  hn::Vec<D16> decimal_;
  hn::Vec<D16S> iota_;
};
#endif

// Fits when the digits are exact in a double: then one division rounds right (W. Clinger, How to read
// floating point numbers accurately, 1990).
HWY_INLINE bool to_double(const Decimal& x, double* to) {
  if (x.digits > (std::uint64_t{1} << 53)) return false;
  const double value = static_cast<double>(static_cast<std::int64_t>(x.digits)) / kPowersOfTen[x.fraction];
  *to = std::bit_cast<double>(std::bit_cast<std::uint64_t>(value) |
                              (static_cast<std::uint64_t>(x.negative) << 63));
  return true;
}

HWY_INLINE bool convert(const DecimalParser& parser, const PlainColumn& column, const char* p,
                        std::size_t length, std::int64_t row) {
  Decimal x;
  if (length - 1 >= kCellBytes || !parser.parse(p, length, x)) return false;
  if (column.how == PlainHow::number) return to_double(x, static_cast<double*>(column.to) + row);
  if (x.point) return false;
  const auto value = static_cast<std::int64_t>(x.digits);
  static_cast<std::int64_t*>(column.to)[row] = x.negative != 0 ? -value : value;
  return true;
}

bool begins_plain(const PlainRows& r) {
  const char first = r.text[r.at];
  if (r.comment != 0 && first == r.comment) return false;
  // In a table of one column a line of blanks is no row.
  return r.columns.size() > 1 || (first != r.newline && first != ' ' && first != '\t' && first != '\r');
}

void read_plain_rows(PlainRows& r, std::size_t end) {
  Marker marker(r);
  const DecimalParser parser(r.decimal);
  const std::size_t num_columns = r.columns.size();
  const PlainColumn* const columns = r.columns.data();
  const char* const text = r.text;
  while (r.at < end) {
    if (r.num_marks - r.next_mark < num_columns) {
      marker.refill();
      if (r.num_marks - r.next_mark < num_columns) return;
    }
    const std::size_t last = r.next_mark + num_columns - 1;
    const std::size_t* const mark = r.marks.data() + r.next_mark;
    const std::size_t stop = r.marks[last];
    const bool whole =
        r.next_break < r.num_breaks && r.breaks[r.next_break] == last && text[stop] == r.newline;
    if (!whole || stop + kCellBytes > r.size || !begins_plain(r)) return;
    std::size_t begin = r.at;
    for (std::size_t c = 0; c < num_columns; ++c) {
      const std::size_t cell_end = mark[c];
      const PlainColumn& column = columns[c];
      if (column.how != PlainHow::skip) {
        const std::size_t blank = text[begin] == ' ' ? 1 : 0;
        const std::size_t from = begin + blank;
        const std::size_t to =
            cell_end - (c + 1 == num_columns && cell_end > from && text[cell_end - 1] == '\r' ? 1 : 0);
        if (column.how == PlainHow::other || !convert(parser, column, text + from, to - from, r.rows))
          r.other_cell(r.owner, c, begin, cell_end);
      }
      begin = cell_end + 1;
    }
    r.next_mark = last + 1;
    ++r.next_break;
    ++r.rows;
    r.at = stop + 1;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace cairn
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cairn {

HWY_EXPORT(scan_stretch_wide);
HWY_EXPORT(read_plain_rows);

Stretch scan_stretch(std::string_view text, std::size_t begin, std::size_t end, char newline, char quote) {
  return HWY_DYNAMIC_DISPATCH(scan_stretch_wide)(text.data(), begin, end, newline, quote);
}

void PlainRows::read(std::size_t end) {
  // A row read by the rules leaves marks behind that belong to it, or ends where nothing was scanned.
  if (scanned < at) {
    odd_bytes = true;
    scanned = at;
    next_mark = num_marks = next_break = num_breaks = 0;
  }
  while (next_mark < num_marks && marks[next_mark] < at) ++next_mark;
  while (next_break < num_breaks && breaks[next_break] < next_mark) ++next_break;
  HWY_DYNAMIC_DISPATCH(read_plain_rows)(*this, end);
}

}  // namespace cairn
#endif
