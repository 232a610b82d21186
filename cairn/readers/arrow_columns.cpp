#include "cairn/readers/arrow_columns_internal.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <functional>
#include <limits>
#include <unordered_map>
#include <vector>

#include "cairn/data/cells.h"
#include "cairn/data/infer.h"
#include "cairn/readers/arrays_internal.h"

namespace cairn::readers_detail {
namespace {

bool bit(const std::uint8_t* bits, std::int64_t i) { return ((bits[i >> 3] >> (i & 7)) & 1) != 0; }

// Which rows of a batch have a value.
class Present {
 public:
  Present(const ArrowArray& array, const ArrowRows& rows)
      : own_(array.null_count != 0 && array.n_buffers > 0 ? static_cast<const std::uint8_t*>(array.buffers[0])
                                                          : nullptr),
        offset_(array.offset + rows.first),
        parent_(rows.present) {}
  bool all() const { return !own_ && !parent_; }
  bool operator[](std::int64_t i) const {
    return (!own_ || bit(own_, offset_ + i)) && (!parent_ || bit(parent_, i));
  }

 private:
  const std::uint8_t* own_;
  std::int64_t offset_;
  const std::uint8_t* parent_;
};

// One bit a row of all batches.
class ValidityBits {
 public:
  void add(std::int64_t rows, const Present& present) {
    if (!present.all())
      for (std::int64_t i = 0; i < rows; ++i)
        if (!present[i]) missing_.push_back(rows_ + i);
    rows_ += rows;
  }
  Validity take() const {
    if (missing_.empty()) return {};
    Validity validity = Tensor::full(Shape{(rows_ + 7) / 8}, 255, DType::u8);
    std::uint8_t* bits = validity.mutable_data<std::uint8_t>().data();
    for (const std::int64_t r : missing_) bits[r >> 3] &= static_cast<std::uint8_t>(~(1U << (r & 7)));
    return validity;
  }
  std::int64_t rows() const { return rows_; }

 private:
  std::vector<std::int64_t> missing_;
  std::int64_t rows_ = 0;
};

enum class Becomes : std::uint8_t { number, integer, date };

// Numbers of one C type; dates are counted in seconds * numerator / denominator.
template <class From, class To>
class NumberColumn final : public ArrowColumn {
 public:
  NumberColumn(std::string name, const std::string& where, Becomes becomes, std::int64_t times = 1,
               std::int64_t over = 1)
      : name_(std::move(name)), where_(where), becomes_(becomes), times_(times), over_(over) {}

  void append(const ArrowArray& array, const ArrowRows& rows) override {
    const Present present(array, rows);
    const auto* from = static_cast<const From*>(array.buffers[1]) + array.offset + rows.first;
    const std::size_t first = values_.size();
    values_.resize(first + static_cast<std::size_t>(rows.count));
    for (std::int64_t i = 0; i < rows.count; ++i)
      values_[first + static_cast<std::size_t>(i)] = convert(from[i], present, i);
    if (!present.all())
      for (std::int64_t i = 0; i < rows.count; ++i)
        if (!present[i]) values_[first + static_cast<std::size_t>(i)] = missing();
    validity_.add(rows.count, present);
  }

  Column finish() override {
    Tensor values = Tensor::take(std::move(values_));
    if constexpr (std::is_floating_point_v<To>)
      return Column::number(name_, values);
    else
      return becomes_ == Becomes::date ? Column::date(name_, values, validity_.take())
                                       : Column::integer(name_, values, validity_.take());
  }

 private:
  static To missing() {
    if constexpr (std::is_floating_point_v<To>)
      return std::numeric_limits<To>::quiet_NaN();
    else
      return 0;
  }
  To convert(From v, const Present& present, std::int64_t i) const {
    if constexpr (std::is_same_v<From, std::uint64_t>)
      if (v > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) && present[i])
        throw DataError(
            fmt::format("{}, row {}, column '{}'", where_, validity_.rows() + i + 1, printable(name_)),
            fmt::format("holds {}, which is beyond whole numbers of 64 bits", v));
    if constexpr (std::is_floating_point_v<To>) {
      return static_cast<To>(v);
    } else {
      auto whole = static_cast<std::int64_t>(v);  // NOLINT(bugprone-signed-char-misuse): a number
      if (becomes_ != Becomes::date) return whole;
      std::int64_t seconds = whole / over_;
      if (whole % over_ < 0) --seconds;  // fractions of a second are dropped, towards the past
      if (__builtin_mul_overflow(seconds, times_, &seconds) && present[i])
        throw DataError(
            fmt::format("{}, row {}, column '{}'", where_, validity_.rows() + i + 1, printable(name_)),
            fmt::format("the date {} is out of range", whole));
      return seconds;
    }
  }

  std::string name_;
  const std::string& where_;
  Becomes becomes_;
  std::int64_t times_, over_;
  std::vector<To> values_;
  ValidityBits validity_;
};

class BooleanColumn final : public ArrowColumn {
 public:
  explicit BooleanColumn(std::string name) : name_(std::move(name)) {}
  void append(const ArrowArray& array, const ArrowRows& rows) override {
    const Present present(array, rows);
    const auto* bits = static_cast<const std::uint8_t*>(array.buffers[1]);
    for (std::int64_t i = 0; i < rows.count; ++i)
      values_.push_back(present[i] && bit(bits, array.offset + rows.first + i) ? 1 : 0);
    validity_.add(rows.count, present);
  }
  Column finish() override {
    return Column::boolean(name_, Tensor::take(std::move(values_)), validity_.take());
  }

 private:
  std::string name_;
  std::vector<std::uint8_t> values_;
  ValidityBits validity_;
};

class NullColumn final : public ArrowColumn {
 public:
  explicit NullColumn(std::string name) : name_(std::move(name)) {}
  void append(const ArrowArray&, const ArrowRows& rows) override { rows_ += rows.count; }
  std::int64_t num_buffers() const override { return 0; }
  Column finish() override {
    return Column::number(name_, Tensor::full(Shape{rows_}, std::nan(""), DType::f64));
  }

 private:
  std::string name_;
  std::int64_t rows_ = 0;
};

// Decimals of 128 bits, an integer times a power of ten. The nearest double, by way of the digits.
class DecimalColumn final : public ArrowColumn {
 public:
  DecimalColumn(std::string name, int scale) : name_(std::move(name)), scale_(scale) {}
  void append(const ArrowArray& array, const ArrowRows& rows) override {
    const Present present(array, rows);
    const auto* from = static_cast<const char*>(array.buffers[1]);
    for (std::int64_t i = 0; i < rows.count; ++i) {
      __int128 v = 0;
      std::memcpy(&v, from + (array.offset + rows.first + i) * 16, 16);
      values_.push_back(present[i] ? number(v) : std::nan(""));
    }
  }
  Column finish() override { return Column::number(name_, Tensor::take(std::move(values_))); }

 private:
  double number(__int128 v) const {
    const bool negative = v < 0;
    auto rest = negative ? -static_cast<unsigned __int128>(v) : static_cast<unsigned __int128>(v);
    std::string digits;
    do digits.insert(digits.begin(), static_cast<char>('0' + static_cast<int>(rest % 10)));
    while ((rest /= 10) > 0);
    digits += fmt::format("e{}", -scale_);
    const double value = std::strtod(digits.c_str(), nullptr);
    return negative ? -value : value;
  }
  std::string name_;
  int scale_;
  std::vector<double> values_;
};

// The texts of a batch: offsets of 32 or 64 bits.
template <class Offset>
struct Texts {
  const Offset* offsets;
  const char* bytes;
  Texts(const ArrowArray& array, std::int64_t first)
      : offsets(static_cast<const Offset*>(array.buffers[1]) + array.offset + first),
        bytes(static_cast<const char*>(array.buffers[2])) {}
  std::string_view operator[](std::int64_t i) const {
    const auto size = static_cast<std::size_t>(offsets[i + 1] - offsets[i]);
    return size == 0 ? std::string_view{} : std::string_view(bytes + offsets[i], size);
  }
};

// Levels sorted, and only those that occur, as a text table would have them.
Column category_of_codes(const std::string& name, std::vector<std::int32_t> codes,
                         const std::vector<std::string>& names, const std::string& where) {
  std::vector<char> used(names.size(), 0);
  for (const std::int32_t c : codes)
    if (c >= 0) used[static_cast<std::size_t>(c)] = 1;
  std::vector<std::int32_t> order;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (!used[i]) continue;
    order.push_back(static_cast<std::int32_t>(i));
    require_text(names[i], fmt::format("{}, column '{}'", where, printable(name)));
  }
  std::ranges::sort(order, {},
                    [&](std::int32_t i) -> const std::string& { return names[static_cast<std::size_t>(i)]; });
  std::vector<std::int32_t> code(names.size(), -1);
  std::vector<std::string> levels;
  for (const std::int32_t i : order) {
    code[static_cast<std::size_t>(i)] = static_cast<std::int32_t>(levels.size());
    levels.push_back(names[static_cast<std::size_t>(i)]);
  }
  for (std::int32_t& c : codes)
    if (c >= 0) c = code[static_cast<std::size_t>(c)];
  return Column::category(name, Tensor::take(std::move(codes)), std::move(levels));
}

// Texts, each different one once as long as they are few; many are kept as they come.
template <class Offset>
class TextColumn final : public ArrowColumn {
 public:
  TextColumn(std::string name, const std::string& where) : name_(std::move(name)), where_(where) {}
  void append(const ArrowArray& array, const ArrowRows& rows) override {
    const Present present(array, rows);
    const Texts<Offset> texts(array, rows.first);
    for (std::int64_t i = 0; i < rows.count; ++i)
      few_ ? add_code(present[i], texts, i) : add_text(present[i] ? texts[i] : std::string_view{});
    validity_.add(rows.count, present);
  }
  Column finish() override {
    if (few_) return category_of_codes(name_, std::move(codes_), names_, where_);
    require_text({reinterpret_cast<const char*>(bytes_.data()), bytes_.size()},
                 fmt::format("{}, column '{}'", where_, printable(name_)));
    return Column::text(name_, Tensor::take(std::move(offsets_)), Tensor::take(std::move(bytes_)),
                        validity_.take());
  }
  bool is_text() const override { return few_; }
  std::int64_t num_buffers() const override { return 3; }

 private:
  void add_code(bool present, const Texts<Offset>& texts, std::int64_t i) {
    if (!present) {
      codes_.push_back(-1);
      return;
    }
    const std::string_view text = texts[i];
    auto it = index_.find(text);
    if (it == index_.end()) {
      it = index_.emplace(std::string(text), static_cast<std::int32_t>(names_.size())).first;
      names_.push_back(it->first);
    }
    codes_.push_back(it->second);
    const auto many = static_cast<std::int64_t>(names_.size());
    if (many > kMaxLevels || (many > 1000 && 2 * many > std::ssize(codes_))) spell_out();
  }
  void add_text(std::string_view text) {
    bytes_.insert(bytes_.end(), text.begin(), text.end());
    offsets_.push_back(std::ssize(bytes_));
  }
  void spell_out() {
    few_ = false;
    for (const std::int32_t code : codes_)
      add_text(code < 0 ? std::string_view{} : names_[static_cast<std::size_t>(code)]);
    codes_ = {};
    names_ = {};
    index_ = {};
  }

  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
  };
  std::string name_;
  const std::string& where_;
  bool few_ = true;
  std::unordered_map<std::string, std::int32_t, Hash, std::equal_to<>> index_;
  std::vector<std::string> names_;
  std::vector<std::int32_t> codes_;
  std::vector<std::int64_t> offsets_{0};
  std::vector<std::uint8_t> bytes_;
  ValidityBits validity_;
};

// Codes into a dictionary of texts that each batch brings of its own.
template <class Code, class Offset>
class DictionaryColumn final : public ArrowColumn {
 public:
  DictionaryColumn(std::string name, const std::string& where, bool is_text)
      : name_(std::move(name)), where_(where), is_text_(is_text) {}

  void append(const ArrowArray& array, const ArrowRows& rows) override {
    if (!array.dictionary || (array.dictionary->length > 0 && array.dictionary->n_buffers < 3))
      throw DataError(fmt::format("{}, column '{}'", where_, printable(name_)),
                      "comes without its dictionary");
    const ArrowArray& dictionary = *array.dictionary;
    std::vector<std::int32_t> place(static_cast<std::size_t>(dictionary.length), -1);
    if (dictionary.length > 0) {
      const Texts<Offset> texts(dictionary, 0);
      const Present named(dictionary, {});
      for (std::int64_t i = 0; i < dictionary.length; ++i) {
        if (!named[i]) continue;
        const auto [it, fresh] =
            index_.try_emplace(std::string(texts[i]), static_cast<std::int32_t>(names_.size()));
        if (fresh) names_.push_back(it->first);
        place[static_cast<std::size_t>(i)] = it->second;
      }
    }
    const Present present(array, rows);
    const auto* codes = static_cast<const Code*>(array.buffers[1]) + array.offset + rows.first;
    for (std::int64_t i = 0; i < rows.count; ++i) {
      if (!present[i]) {
        codes_.push_back(-1);
        continue;
      }
      const auto code = static_cast<std::int64_t>(codes[i]);  // NOLINT(bugprone-signed-char-misuse)
      if (code < 0 || code >= dictionary.length)
        throw DataError(fmt::format("{}, column '{}'", where_, printable(name_)),
                        fmt::format("holds the code {} of a dictionary of {}", code, dictionary.length));
      codes_.push_back(place[static_cast<std::size_t>(code)]);
    }
  }

  Column finish() override { return category_of_codes(name_, std::move(codes_), names_, where_); }
  bool is_text() const override { return is_text_; }

 private:
  std::string name_;
  const std::string& where_;
  bool is_text_;
  std::unordered_map<std::string, std::int32_t> index_;
  std::vector<std::string> names_;
  std::vector<std::int32_t> codes_;
};

template <class Offset>
std::unique_ptr<ArrowColumn> dictionary_column(std::string_view codes, const std::string& name,
                                               const std::string& where, bool is_text) {
  const auto make = [&]<class Code>(Code) -> std::unique_ptr<ArrowColumn> {
    return std::make_unique<DictionaryColumn<Code, Offset>>(name, where, is_text);
  };
  if (codes == "c") return make(std::int8_t{});
  if (codes == "C") return make(std::uint8_t{});
  if (codes == "s") return make(std::int16_t{});
  if (codes == "S") return make(std::uint16_t{});
  if (codes == "i") return make(std::int32_t{});
  if (codes == "I") return make(std::uint32_t{});
  if (codes == "l") return make(std::int64_t{});
  return nullptr;
}

template <class From>
std::unique_ptr<ArrowColumn> integers(const std::string& name, const std::string& where) {
  return std::make_unique<NumberColumn<From, std::int64_t>>(name, where, Becomes::integer);
}
template <class From>
std::unique_ptr<ArrowColumn> dates(const std::string& name, const std::string& where, std::int64_t times,
                                   std::int64_t over) {
  return std::make_unique<NumberColumn<From, std::int64_t>>(name, where, Becomes::date, times, over);
}

std::unique_ptr<ArrowColumn> decimal_column(std::string_view format, const std::string& name) {
  // d:precision,scale[,bits]
  const auto comma = format.find(',');
  if (comma == format.npos) return nullptr;
  int scale = 0, bits = 128;
  const char* const end = format.data() + format.size();
  const auto first = std::from_chars(format.data() + comma + 1, end, scale);
  if (first.ec != std::errc{}) return nullptr;
  if (first.ptr != end) std::from_chars(first.ptr + 1, end, bits);
  if (bits != 128 || std::abs(scale) > 400) return nullptr;
  return std::make_unique<DecimalColumn>(name, scale);
}

}  // namespace

std::unique_ptr<ArrowColumn> arrow_column(const ArrowSchema& schema, const std::string& name,
                                          const std::string& where) {
  constexpr std::int64_t kFlagOrdered = 1;  // of a dictionary whose order means something
  const std::string_view f = schema.format;
  if (schema.dictionary) {
    const std::string_view values = schema.dictionary->format;
    const bool is_text = (schema.flags & kFlagOrdered) == 0;
    if (values == "u") return dictionary_column<std::int32_t>(f, name, where, is_text);
    if (values == "U") return dictionary_column<std::int64_t>(f, name, where, is_text);
    return nullptr;
  }
  if (f == "n") return std::make_unique<NullColumn>(name);
  if (f == "b") return std::make_unique<BooleanColumn>(name);
  if (f == "c") return integers<std::int8_t>(name, where);
  if (f == "C") return integers<std::uint8_t>(name, where);
  if (f == "s") return integers<std::int16_t>(name, where);
  if (f == "S") return integers<std::uint16_t>(name, where);
  if (f == "i") return integers<std::int32_t>(name, where);
  if (f == "I") return integers<std::uint32_t>(name, where);
  if (f == "l") return integers<std::int64_t>(name, where);
  if (f == "L") return integers<std::uint64_t>(name, where);
  if (f == "f") return std::make_unique<NumberColumn<float, float>>(name, where, Becomes::number);
  if (f == "g") return std::make_unique<NumberColumn<double, double>>(name, where, Becomes::number);
  if (f == "u") return std::make_unique<TextColumn<std::int32_t>>(name, where);
  if (f == "U") return std::make_unique<TextColumn<std::int64_t>>(name, where);
  if (f == "tdD") return dates<std::int32_t>(name, where, 86400, 1);
  if (f == "tdm") return dates<std::int64_t>(name, where, 1, 1000);
  if (f.starts_with("tss:")) return dates<std::int64_t>(name, where, 1, 1);
  if (f.starts_with("tsm:")) return dates<std::int64_t>(name, where, 1, 1000);
  if (f.starts_with("tsu:")) return dates<std::int64_t>(name, where, 1, 1000000);
  if (f.starts_with("tsn:")) return dates<std::int64_t>(name, where, 1, 1000000000);
  if (f.starts_with("d:")) return decimal_column(f, name);
  return nullptr;
}

}  // namespace cairn::readers_detail
