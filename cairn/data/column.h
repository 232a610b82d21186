// One typed column: values in Arrow's layout (a 1-D tensor and a validity bitmap), immutable, cheap to copy.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cairn/ops/matrix.h"
#include "cairn/tensor/tensor.h"

namespace cairn {

enum class ColumnKind : std::uint8_t {
  number,    // f32 or f64; the slot of a missing value holds NaN
  integer,   // i64; the slot of a missing value holds 0
  boolean,   // u8, 0 or 1
  category,  // i32 codes into levels(); the slot of a missing value holds -1
  text,      // UTF-8 bytes and i64 offsets [n + 1]
  date,      // i64 seconds since 1970-01-01T00:00:00Z
  tensor,    // a fixed number of numbers a row, dense or sparse, each with a name: what encoders produce
  image,     // a picture a row, all of one size: u8 [n, H, W, C]; never missing
};
const char* name_of(ColumnKind kind);  // "number"
ColumnKind column_kind_from_name(std::string_view name);

// Which rows hold a value: one bit a row, least significant first. Undefined means all do.
using Validity = Tensor;

// A handle: copies share everything.
class Column {
 public:
  Column() = default;
  static Column number(std::string name,
                       Tensor values);  // f32 or f64 [n]; missing = NaN, the bitmap is made from it
  static Column integer(std::string name, Tensor values, Validity validity = {});
  static Column boolean(std::string name, Tensor values, Validity validity = {});
  // Levels are distinct; a code outside [-1, levels) is a DataError, -1 is missing.
  static Column category(std::string name, Tensor codes, std::vector<std::string> levels);
  static Column text(std::string name, Tensor offsets, Tensor bytes, Validity validity = {});
  static Column text(std::string name, std::span<const std::string> values);
  static Column date(std::string name, Tensor seconds, Validity validity = {});
  static Column features(std::string name, Matrix values,
                         std::vector<std::string> feature_names);  // kind tensor
  static Column image(std::string name, Tensor pixels);            // u8 [n, H, W, 1 or 3]
  // Category from one string a row, levels in order of `levels` or, without it, sorted; nullopt is missing.
  static Column category_of(std::string name, std::span<const std::optional<std::string>> values);

  const std::string& name() const { return body_->name; }
  ColumnKind kind() const { return body_->kind; }
  std::int64_t size() const { return body_->size; }
  std::int64_t num_missing() const { return body_->num_missing; }
  bool is_missing(std::int64_t row) const;

  const Tensor& values() const {
    return body_->values;
  }  // number, integer, boolean, category (codes), date, image
  std::span<const std::int32_t> codes() const;             // category
  const std::vector<std::string>& levels() const;          // category
  std::string_view text_at(std::int64_t row) const;        // text
  const Matrix& matrix() const;                            // tensor
  Tensor picture(std::int64_t row) const;                  // image: u8 [H, W, C]
  std::string_view picture_bytes(std::int64_t row) const;  // the same, as they lie in memory
  const std::vector<std::string>& feature_names() const;   // tensor

  // A number a row: number, integer, boolean and date columns; missing is NaN. DataError for other kinds.
  double number_at(std::int64_t row) const;
  Tensor numbers(DType dtype = DType::f64) const;  // [n]; shares memory when it can
  // What a person would see in a cell: shortest digits that read back the same, level names, ISO dates; ""
  // when missing.
  std::string cell(std::int64_t row) const;

  Column renamed(std::string name) const;
  Column select(std::span<const std::int64_t> rows) const;  // in the given order, repeats allowed

 private:
  // What copies of a column share; never changed once the column is made.
  struct Body {
    std::string name;
    ColumnKind kind = ColumnKind::number;
    std::int64_t size = 0, num_missing = 0;
    Tensor values, validity, bytes;
    std::shared_ptr<const std::vector<std::string>> names;  // levels, or feature names
    std::shared_ptr<const Matrix> matrix;
  };
  static Body make(std::string name, ColumnKind kind, Tensor values, Validity validity, std::int64_t size);
  explicit Column(Body body) : body_(std::make_shared<const Body>(std::move(body))) {}
  static const std::shared_ptr<const Body>& empty_body();
  std::shared_ptr<const Body> body_ = empty_body();
};

}  // namespace cairn
