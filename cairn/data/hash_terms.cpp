#include "cairn/data/hash_terms.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "cairn/base/parallel.h"
#include "cairn/data/terms_internal.h"
#include "cairn/data/transform_columns_internal.h"
#include "cairn/data/transforms.h"

namespace cairn {
namespace {

using transform_detail::find_all;
using transform_detail::Ngrams;
using transform_detail::SparseRows;

constexpr std::int64_t kTexts = 1024;  // a chunk of the parallel loops
constexpr std::int64_t kMostFeatures = 1 << 20;
constexpr std::int64_t kMostWords = 10;

// MurmurHash3_x86_32 with seed 0 (Appleby, in the public domain), bytes in little-endian order on any
// machine.
std::uint32_t murmur3(std::string_view text) {
  constexpr std::uint32_t kFirst = 0xcc9e2d51, kSecond = 0x1b873593;
  const auto byte = [&](std::size_t i) {
    return static_cast<std::uint32_t>(static_cast<unsigned char>(text[i]));
  };
  const auto mixed = [](std::uint32_t k) { return std::rotl(k * kFirst, 15) * kSecond; };
  std::uint32_t h = 0;
  const std::size_t whole = text.size() / 4 * 4;
  for (std::size_t i = 0; i < whole; i += 4) {
    h ^= mixed(byte(i) | byte(i + 1) << 8 | byte(i + 2) << 16 | byte(i + 3) << 24);
    h = std::rotl(h, 13) * 5 + 0xe6546b64;
  }
  std::uint32_t rest = 0;
  for (std::size_t i = text.size(); i > whole; --i) rest = rest << 8 | byte(i - 1);
  if (whole < text.size()) h ^= mixed(rest);
  h ^= static_cast<std::uint32_t>(text.size());
  h = (h ^ h >> 16) * 0x85ebca6b;
  h = (h ^ h >> 13) * 0xc2b2ae35;
  return h ^ h >> 16;
}

struct Term {
  std::int32_t feature;
  double value;
};

class FittedHashTerms : public FittedTransform {
 public:
  std::string_view kind() const override { return HashTerms::kName; }
  Table apply(const Table& features) const override;
  std::string describe() const override {
    if (names.empty()) return "hash: no text or category column";
    return fmt::format("hash of {} into {} sparse features each ({})",
                       transform_detail::columns_in_words(names.size()), features,
                       transform_detail::shortened(names.size(), [&](std::size_t i) { return names[i]; }));
  }
  void visit(Visitor& v) override {
    v.value("columns", names);
    v.value("features", features);
    v.value("ngram_min", ngrams.low);
    v.value("ngram_max", ngrams.high);
    v.value("lowercase", ngrams.lowercase);
    v.value("alternate_sign", alternate_sign);
    if (v.loading() &&
        (features < 1 || features > kMostFeatures || ngrams.low < 1 || ngrams.high > kMostWords))
      throw ModelFileError(kind().data(), fmt::format("{} features of {} to {} words cannot be", features,
                                                      ngrams.low, ngrams.high));
  }

  std::vector<std::string> names;
  std::int64_t features = 1;
  Ngrams ngrams;
  bool alternate_sign = true;

 private:
  Term term_of(std::string_view text) const {
    const auto hash = static_cast<std::int32_t>(murmur3(text));
    const std::int64_t size = std::abs(static_cast<std::int64_t>(hash));
    return {static_cast<std::int32_t>(size % features), alternate_sign && hash < 0 ? -1.0 : 1.0};
  }
  Matrix texts(const Column& c) const;
  Matrix levels(const Column& c) const;
};

Matrix FittedHashTerms::texts(const Column& c) const {
  std::vector<SparseRows> parts(static_cast<std::size_t>((c.size() + kTexts - 1) / kTexts));
  parallel_for(c.size(), kTexts, [&](std::int64_t begin, std::int64_t end) {
    SparseRows& part = parts[static_cast<std::size_t>(begin / kTexts)];
    std::vector<std::string> words;
    std::vector<Term> used;
    for (std::int64_t r = begin; r < end; ++r) {
      used.clear();
      if (!c.is_missing(r))
        transform_detail::for_each_term(c.text_at(r), ngrams, words,
                                        [&](std::string_view term) { used.push_back(term_of(term)); });
      std::ranges::stable_sort(used, {}, &Term::feature);
      const std::size_t first = part.values.size();
      double squares = 0;
      for (std::size_t i = 0; i < used.size();) {
        const std::int32_t feature = used[i].feature;
        double sum = 0;
        for (; i < used.size() && used[i].feature == feature; ++i) sum += used[i].value;
        if (sum == 0) continue;  // two terms that cancel
        part.where.push_back(feature);
        part.values.push_back(sum);
        squares += sum * sum;
      }
      for (std::size_t i = first; i < part.values.size(); ++i) part.values[i] /= std::sqrt(squares);
      part.lengths.push_back(static_cast<std::int64_t>(part.values.size() - first));
    }
  });
  return transform_detail::joined(parts, features);
}

Matrix FittedHashTerms::levels(const Column& c) const {
  std::vector<Term> of_level;
  for (const std::string& level : transform_detail::level_names(c))
    of_level.push_back(term_of(fmt::format("{}={}", c.name(), level)));
  SparseRows rows;
  for (const std::int32_t code : transform_detail::level_codes(c)) {
    rows.lengths.push_back(code < 0 ? 0 : 1);
    if (code < 0) continue;
    rows.where.push_back(of_level[static_cast<std::size_t>(code)].feature);
    rows.values.push_back(of_level[static_cast<std::size_t>(code)].value);
  }
  return transform_detail::joined({rows}, features);
}

Table FittedHashTerms::apply(const Table& table) const {
  const auto at =
      find_all(table, names, {ColumnKind::text, ColumnKind::category, ColumnKind::boolean}, kind());
  std::vector<std::vector<Column>> in_place;
  for (const std::size_t i : at) {
    const Column& c = table.columns()[i];
    std::vector<std::string> labels;
    for (std::int64_t f = 0; f < features; ++f) labels.push_back(fmt::format("{} #{}", c.name(), f));
    in_place.push_back(
        {Column::features(c.name(), c.kind() == ColumnKind::text ? texts(c) : levels(c), std::move(labels))});
  }
  return transform_detail::replace(table, at, std::move(in_place), {}, kind());
}

}  // namespace

const ParamList& HashTermsParams::list() {
  using P = HashTermsParams;
  static const ParamList l{
      param<&P::features>("features", "features that a column's terms are scattered over",
                          between(2, kMostFeatures), {"n_features"}),
      param<&P::ngram_min>("ngram_min", "fewest words of a term", between(1, kMostWords)),
      param<&P::ngram_max>("ngram_max", "most words of a term", between(1, kMostWords), {"ngram_range"}),
      param<&P::lowercase>("lowercase", "take capitals for small letters"),
      param<&P::alternate_sign>("alternate_sign", "count half of the terms as -1, so that collisions cancel"),
      param<&P::columns>("columns",
                         "one column to act on; may be repeated; default: every text, category and boolean"),
  };
  return l;
}

std::unique_ptr<FittedTransform> HashTerms::fit(const Dataset& data, const TransformContext&) const {
  if (params_.ngram_max < params_.ngram_min)
    throw ParamError(
        kName, fmt::format("ngram_min = {} is above ngram_max = {}", params_.ngram_min, params_.ngram_max));
  auto fitted = std::make_unique<FittedHashTerms>();
  fitted->names = transform_detail::choose(
      data.features(), params_.columns, {ColumnKind::text, ColumnKind::category, ColumnKind::boolean}, kName);
  fitted->features = params_.features;
  fitted->ngrams = {params_.ngram_min, params_.ngram_max, params_.lowercase};
  fitted->alternate_sign = params_.alternate_sign;
  return fitted;
}

TransformEntry hash_terms_entry() {
  return transform_entry<HashTerms>(
      "texts and categories scattered over a fixed number of features",
      []() -> std::unique_ptr<FittedTransform> { return std::make_unique<FittedHashTerms>(); });
}

}  // namespace cairn
