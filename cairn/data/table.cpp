#include "cairn/data/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>
#include <unordered_set>

#include "cairn/base/error.h"
#include "cairn/base/hash.h"
#include "cairn/base/parallel.h"
#include "cairn/base/suggest.h"

namespace cairn {
namespace {

constexpr std::uint64_t combine(std::uint64_t h, std::uint64_t v) {
  h ^= v + 0x9e3779b97f4a7c15ULL + (h << 6) + (h >> 2);
  h *= 0xff51afd7ed558ccdULL;
  return h ^ (h >> 32);
}

std::uint64_t hash_text(std::string_view text) {
  std::uint64_t h = 0xcbf29ce484222325ULL;
  for (const char c : text) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return h;
}

// The first column whose name an earlier one has; columns.size() when there is none. An open table of numbers
// of columns: tables are made often, and a node a name would be most of the work.
std::size_t repeated_name(const std::vector<Column>& columns) {
  const std::size_t slots = std::bit_ceil(2 * columns.size() + 1);
  std::vector<std::uint32_t> taken(slots, 0);  // number of a column, from 1
  for (std::size_t c = 0; c < columns.size(); ++c) {
    const std::string_view name = columns[c].name();
    std::size_t slot = std::hash<std::string_view>{}(name) & (slots - 1);
    for (; taken[slot] != 0; slot = (slot + 1) & (slots - 1))
      if (columns[taken[slot] - 1].name() == name) return c;
    taken[slot] = static_cast<std::uint32_t>(c + 1);
  }
  return columns.size();
}

// Of the numbers in a row of a column of features: by their names, whatever their order, zeros left out.
class FeatureHash {
 public:
  explicit FeatureHash(const Column& column) : column_(column) {
    if (column.kind() != ColumnKind::tensor) return;
    for (const std::string& name : column.feature_names()) names_.push_back(hash_text(name));
    if (column.matrix().is_sparse()) values_ = column.matrix().values().to(DType::f64);
  }

  std::uint64_t row(std::int64_t r) const {
    const Matrix& m = column_.matrix();
    std::uint64_t sum = 0;
    const auto add = [&](std::size_t feature, double value) {
      if (value != 0) sum += combine(names_[feature], std::bit_cast<std::uint64_t>(value));
    };
    const auto i = static_cast<std::size_t>(r);
    if (m.is_sparse()) {
      for (auto e = static_cast<std::size_t>(m.indptr()[i]); e < static_cast<std::size_t>(m.indptr()[i + 1]);
           ++e)
        add(static_cast<std::size_t>(m.indices()[e]), values_.data<double>()[e]);
      return sum;
    }
    std::vector<double> values(names_.size());
    m.tile(r, r + 1, values.data());
    for (std::size_t f = 0; f < values.size(); ++f) add(f, values[f]);
    return sum;
  }

 private:
  const Column& column_;
  std::vector<std::uint64_t> names_;
  Tensor values_;
};

}  // namespace

Table::Table(std::vector<Column> columns) : columns_(std::move(columns)) {
  if (const std::size_t c = repeated_name(columns_); c < columns_.size())
    throw DataError("table", fmt::format("column '{}' stands twice", columns_[c].name()));
  for (const Column& c : columns_) {
    if (c.size() != columns_[0].size())
      throw DataError("table", fmt::format("column '{}' has {} rows and column '{}' has {}",
                                           columns_[0].name(), columns_[0].size(), c.name(), c.size()));
  }
  if (!columns_.empty()) rows_ = columns_[0].size();
}

Table Table::with_rows(std::int64_t rows) {
  Table t;
  t.rows_ = rows;
  return t;
}

const Column* Table::find(std::string_view name) const {
  for (const Column& c : columns_)
    if (c.name() == name) return &c;
  return nullptr;
}

const Column& Table::column(std::string_view name) const {
  if (const Column* c = find(name)) return *c;
  throw DataError("table", fmt::format("there is no column '{}'", name), suggestion(name, names()));
}

std::vector<std::string> Table::names() const {
  std::vector<std::string> result;
  for (const Column& c : columns_) result.push_back(c.name());
  return result;
}

std::unordered_map<std::string_view, std::size_t> Table::index() const {
  std::unordered_map<std::string_view, std::size_t> where;
  where.reserve(columns_.size());
  for (const Column& c : columns_) where.emplace(c.name(), where.size());
  return where;
}

Table Table::with(Column column) const {
  if (column.size() != rows_)
    throw DataError(
        "table", fmt::format("column '{}' has {} rows, the table {}", column.name(), column.size(), rows_));
  Table t = *this;
  for (Column& c : t.columns_)
    if (c.name() == column.name()) {
      c = std::move(column);
      return t;
    }
  t.columns_.push_back(std::move(column));
  return t;
}

Table Table::without(std::span<const std::string> names) const {
  if (names.empty()) return *this;
  Table t = with_rows(rows_);
  const std::unordered_set<std::string_view> left_out(names.begin(), names.end());
  t.columns_.reserve(columns_.size());
  for (const Column& c : columns_)
    if (!left_out.contains(c.name())) t.columns_.push_back(c);
  return t;
}

Table Table::only(std::span<const std::string> names) const {
  Table t = with_rows(rows_);
  const auto where = index();
  for (const std::string& name : names) {
    const auto it = where.find(name);
    t.columns_.push_back(it == where.end() ? column(name) : columns_[it->second]);
  }
  return t;
}

Table Table::select(std::span<const std::int64_t> rows) const {
  Table t = with_rows(static_cast<std::int64_t>(rows.size()));
  for (const Column& c : columns_) t.columns_.push_back(c.select(rows));
  return t;
}

std::pair<Table, Table> Table::divide(std::span<const std::int64_t> first,
                                      std::span<const std::int64_t> second) && {
  std::pair<Table, Table> parts{with_rows(static_cast<std::int64_t>(first.size())),
                                with_rows(static_cast<std::int64_t>(second.size()))};
  for (Column& c : columns_) {
    parts.first.columns_.push_back(c.select(first));
    parts.second.columns_.push_back(c.select(second));
    c = Column();
  }
  columns_.clear();
  return parts;
}

Table Table::slice(std::int64_t begin, std::int64_t end) const {
  CAIRN_ASSERT(begin >= 0 && begin <= end && end <= rows_);
  std::vector<std::int64_t> rows(static_cast<std::size_t>(end - begin));
  std::iota(rows.begin(), rows.end(), begin);
  return select(rows);
}

void Table::blocks(std::int64_t rows, const std::function<void(const Table&)>& use) const {
  if (rows_ <= rows) return use(*this);
  for (std::int64_t begin = 0; begin < rows_; begin += rows) use(slice(begin, std::min(rows_, begin + rows)));
}

std::vector<std::uint64_t> Table::row_hashes() const {
  std::vector<std::uint64_t> hashes(static_cast<std::size_t>(rows_), 0);
  for (const Column& c : columns_) {
    std::vector<std::uint64_t>
        levels;  // a level's text is hashed once: codes differ between tables, texts do not
    if (c.kind() == ColumnKind::category)
      for (const std::string& level : c.levels()) levels.push_back(hash_text(level));
    const FeatureHash features(c);
    parallel_for(rows_, 1 << 14, [&](std::int64_t b, std::int64_t e) {
      for (std::int64_t r = b; r < e; ++r) {
        std::uint64_t v = 1;
        if (!c.is_missing(r)) {
          switch (c.kind()) {
            case ColumnKind::category:
              v = levels[static_cast<std::size_t>(c.codes()[static_cast<std::size_t>(r)])];
              break;
            case ColumnKind::text:
              v = hash_text(c.text_at(r));
              break;
            case ColumnKind::image:
              v = hash_text(c.picture_bytes(r));
              break;
            case ColumnKind::tensor:
              v = features.row(r);
              break;
            default:
              v = std::bit_cast<std::uint64_t>(c.number_at(r) + 0.0);  // + 0.0 makes -0 and 0 the same
          }
        }
        auto& h = hashes[static_cast<std::size_t>(r)];
        h = combine(h, v);
      }
    });
  }
  return hashes;
}

std::string Table::sha256() const {
  Sha256 hash;
  for (const Column& c : columns_) {
    hash.update(fmt::format("{}\x1f{}\x1f{}\x1e", c.name(), name_of(c.kind()), c.size()));
    const bool plain =
        c.kind() != ColumnKind::text && c.kind() != ColumnKind::category && c.kind() != ColumnKind::tensor;
    if (c.kind() == ColumnKind::tensor) {
      const FeatureHash features(c);
      for (std::int64_t r = 0; r < rows_; ++r) hash.update(fmt::format("{:x}\x1f", features.row(r)));
    } else if (c.kind() == ColumnKind::image) {
      hash.update(fmt::format("{}\x1e", c.values().shape().text()));
      for (std::int64_t r = 0; r < rows_; ++r) hash.update(c.picture_bytes(r));
    } else if (plain && c.num_missing() == 0) {
      hash.update(c.values().raw(), static_cast<std::size_t>(c.size()) * size_of(c.values().dtype()));
    } else {
      for (std::int64_t r = 0; r < rows_; ++r) {
        hash.update(c.cell(r));
        hash.update(c.is_missing(r) ? "\x1d" : "\x1f");
      }
    }
  }
  return to_hex(hash.finish());
}

FeatureMatrix feature_matrix(const Table& table) {
  FeatureMatrix result;
  std::vector<Matrix> parts;
  std::vector<Tensor> run;  // neighbouring number columns become one part
  const auto close_run = [&] {
    if (!run.empty()) parts.push_back(Matrix::from_columns(std::move(run), table.num_rows()));
    run.clear();
  };
  for (const Column& c : table.columns()) {
    if (c.kind() == ColumnKind::number) {
      run.push_back(c.values());
      result.names.push_back(c.name());
    } else if (c.kind() == ColumnKind::tensor) {
      close_run();
      parts.push_back(c.matrix());
      result.names.insert(result.names.end(), c.feature_names().begin(), c.feature_names().end());
    } else {
      throw DataError(fmt::format("column '{}'", c.name()),
                      fmt::format("is {}; the learner takes numbers only", name_of(c.kind())),
                      "prepare(learner) adds the encoding it needs; --ignore leaves the column out.");
    }
  }
  close_run();
  result.x = parts.empty() ? Matrix::from_columns({}, table.num_rows()) : Matrix::concatenate(parts);
  return result;
}

}  // namespace cairn
