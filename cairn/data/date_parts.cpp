#include "cairn/data/date_parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <limits>

#include "cairn/base/parallel.h"
#include "cairn/data/transform_columns_internal.h"
#include "cairn/data/transforms.h"

namespace cairn {
namespace {

using transform_detail::find_all;

constexpr std::int64_t kDay = 86'400;
constexpr std::int64_t kRows = 1 << 14;
constexpr std::array kParts{"year", "month", "day", "weekday", "hour", "day of year", "elapsed days"};
constexpr std::size_t kHour = 4;

using Parts = std::array<double, kParts.size()>;

std::chrono::sys_seconds time_of(const Column& c, std::int64_t row) {
  return std::chrono::sys_seconds{
      std::chrono::seconds{c.values().data<std::int64_t>()[static_cast<std::size_t>(row)]}};
}

Parts parts_of(std::chrono::sys_seconds time, std::int64_t origin) {
  using namespace std::chrono;
  const sys_days day = floor<days>(time);
  const year_month_day date{day};
  const sys_days first = sys_days{date.year() / January / 1};
  return {static_cast<double>(static_cast<int>(date.year())),
          static_cast<double>(static_cast<unsigned>(date.month())),
          static_cast<double>(static_cast<unsigned>(date.day())),
          static_cast<double>(weekday{day}.iso_encoding() - 1),
          static_cast<double>(floor<hours>(time - day).count()),
          static_cast<double>((day - first).count() + 1),
          (static_cast<double>(time.time_since_epoch().count()) - static_cast<double>(origin)) / kDay};
}

// Years beyond what the calendar of the standard library counts.
void check_year(const Column& c, std::int64_t row) {
  constexpr std::int64_t kMost = 30'000LL * 365 * kDay;
  const std::int64_t seconds = time_of(c, row).time_since_epoch().count();
  if (seconds > kMost || seconds < -kMost)
    throw DataError(fmt::format("column '{}', row {}", c.name(), row + 1),
                    fmt::format("lies {} seconds from 1970; dates reach 30,000 years", seconds),
                    "Correct or drop the row.");
}

class FittedDateParts : public FittedTransform {
 public:
  std::string_view kind() const override { return DateParts::kName; }
  Table apply(const Table& features) const override;
  std::string describe() const override;
  void visit(Visitor& v) override {
    v.value("columns", names);
    v.value("origins", origins);
    v.value("with_hour", with_hour);
    if (v.loading() && (origins.size() != names.size() || with_hour.size() != names.size()))
      throw ModelFileError(DateParts::kName, "the lists of columns and of origins differ in length");
  }

  std::vector<MadeColumn> made_columns() const override {
    std::vector<MadeColumn> made;
    for (const std::string& name : names)
      for (const char* part : kParts) made.push_back({fmt::format("{} {}", name, part), {{name}}});
    return made;
  }

  std::vector<std::string> names;
  std::vector<std::int64_t> origins;    // seconds: the earliest training date
  std::vector<std::int64_t> with_hour;  // 1: some training row has a time of day
};

std::vector<Column> columns_of(const Column& c, std::int64_t origin, bool with_hour) {
  const std::int64_t n = c.size();
  std::array<Tensor, kParts.size()> tensors;
  std::array<double*, kParts.size()> out{};
  for (std::size_t p = 0; p < kParts.size(); ++p) {
    if (p == kHour && !with_hour) continue;
    tensors[p] = Tensor::empty(Shape{n}, DType::f64);
    out[p] = tensors[p].mutable_data<double>().data();
  }
  parallel_for(n, kRows, [&](std::int64_t b, std::int64_t e) {
    for (std::int64_t r = b; r < e; ++r) {
      Parts parts;
      parts.fill(std::numeric_limits<double>::quiet_NaN());
      if (!c.is_missing(r)) {
        check_year(c, r);
        parts = parts_of(time_of(c, r), origin);
      }
      for (std::size_t p = 0; p < kParts.size(); ++p)
        if (out[p]) out[p][r] = parts[p];
    }
  });
  std::vector<Column> columns;
  for (std::size_t p = 0; p < kParts.size(); ++p)
    if (tensors[p].defined())
      columns.push_back(Column::number(fmt::format("{} {}", c.name(), kParts[p]), std::move(tensors[p])));
  return columns;
}

Table FittedDateParts::apply(const Table& features) const {
  const auto at = find_all(features, names, {ColumnKind::date}, DateParts::kName);
  std::vector<std::vector<Column>> in_place;
  for (std::size_t i = 0; i < at.size(); ++i)
    in_place.push_back(columns_of(features.columns()[at[i]], origins[i], with_hour[i] != 0));
  return transform_detail::replace(features, at, std::move(in_place), {}, DateParts::kName);
}

std::string FittedDateParts::describe() const {
  if (names.empty()) return "date_parts: no date column";
  return fmt::format("date_parts of {} column{} ({})", names.size(), names.size() == 1 ? "" : "s",
                     transform_detail::shortened(names.size(), [&](std::size_t i) {
                       return names[i] + (with_hour[i] ? " with its hour" : "");
                     }));
}

}  // namespace

const ParamList& DatePartsParams::list() {
  static const ParamList l{param<&DatePartsParams::columns>(
      "columns", "one column to act on; may be repeated; default: every date column")};
  return l;
}

std::unique_ptr<FittedTransform> DateParts::fit(const Dataset& data, const TransformContext&) const {
  const Table features = data.features();
  const std::vector<double> weights = data.weights();
  auto fitted = std::make_unique<FittedDateParts>();
  fitted->names = transform_detail::choose(features, params_.columns, {ColumnKind::date}, kName);
  const auto where = features.index();
  for (const std::string& name : fitted->names) {
    const Column& c = features.columns()[where.at(name)];
    std::int64_t origin = std::numeric_limits<std::int64_t>::max();
    bool with_hour = false;
    for (std::int64_t r = 0; r < c.size(); ++r) {
      if (c.is_missing(r) || (!weights.empty() && weights[static_cast<std::size_t>(r)] == 0)) continue;
      check_year(c, r);
      const std::int64_t seconds = time_of(c, r).time_since_epoch().count();
      origin = std::min(origin, seconds);
      with_hour |= seconds % kDay != 0;
    }
    fitted->origins.push_back(origin == std::numeric_limits<std::int64_t>::max() ? 0 : origin);
    fitted->with_hour.push_back(with_hour);
  }
  return fitted;
}

TransformEntry date_parts_entry() {
  return transform_entry<DateParts>(
      "dates to year, month, day, weekday, hour, day of year and elapsed days",
      []() -> std::unique_ptr<FittedTransform> { return std::make_unique<FittedDateParts>(); },
      {.units = true, .gaps = true});
}

}  // namespace cairn
