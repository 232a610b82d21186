#include "cairn/data/tf_idf.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <unordered_map>

#include "cairn/base/parallel.h"
#include "cairn/data/terms_internal.h"
#include "cairn/data/transform_columns_internal.h"
#include "cairn/data/transforms.h"

namespace cairn {
namespace {

using transform_detail::find_all;
using transform_detail::for_each_term;
using transform_detail::Ngrams;
using transform_detail::SparseRows;

constexpr std::int64_t kTexts = 1024;  // a chunk of the parallel loops

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
};
template <class V>
using TermMap = std::unordered_map<std::string, V, TextHash, std::equal_to<>>;

struct TermCounts {
  std::int64_t texts = 0, uses = 0, last_text = -1;
};

// What was learned of one column.
struct Vocabulary {
  std::string name;
  std::vector<std::string> terms;  // in the order of their bytes
  std::vector<double> idf;
  void visit(Visitor& v) {
    v.value("name", name);
    v.value("terms", terms);
    v.value("idf", idf);
    if (v.loading() && idf.size() != terms.size())
      throw ModelFileError(TfIdf::kName, fmt::format("{} terms have {} weights", terms.size(), idf.size()));
  }
};

TermMap<TermCounts> count_terms(const Column& c, const Ngrams& ngrams, const std::vector<double>& weights,
                                const StopToken& stop) {
  const auto count = [&](std::int64_t begin, std::int64_t end) {
    TermMap<TermCounts> counts;
    std::vector<std::string> words;
    for (std::int64_t r = begin; r < end; ++r) {
      if (c.is_missing(r) || (!weights.empty() && weights[static_cast<std::size_t>(r)] == 0)) continue;
      for_each_term(c.text_at(r), ngrams, words, [&](std::string_view term) {
        auto it = counts.find(term);
        if (it == counts.end()) it = counts.emplace(std::string(term), TermCounts{}).first;
        ++it->second.uses;
        it->second.texts += it->second.last_text != r;
        it->second.last_text = r;
      });
    }
    return counts;
  };
  return parallel_reduce<TermMap<TermCounts>>(
      c.size(), kTexts, count,
      [](TermMap<TermCounts>& into, TermMap<TermCounts>& part) {
        if (into.size() < part.size()) std::swap(into, part);
        for (const auto& [term, counts] : part) {
          TermCounts& sum = into[term];
          sum.texts += counts.texts;
          sum.uses += counts.uses;
        }
        part = {};
      },
      stop);
}

Vocabulary vocabulary_of(const Column& c, const TfIdfParams& p, const std::vector<double>& weights,
                         const StopToken& stop) {
  const TermMap<TermCounts> counts = count_terms(c, {p.ngram_min, p.ngram_max, p.lowercase}, weights, stop);
  std::vector<std::pair<std::string_view, TermCounts>> kept;
  for (const auto& [term, count] : counts)
    if (count.texts >= p.min_df) kept.emplace_back(term, count);
  std::ranges::sort(kept, {}, [](const auto& t) { return t.first; });
  if (const auto most = static_cast<std::size_t>(p.max_features); kept.size() > most) {
    std::ranges::sort(kept, {}, [](const auto& t) { return std::pair(-t.second.uses, t.first); });
    kept.resize(most);
    std::ranges::sort(kept, {}, [](const auto& t) { return t.first; });
  }
  const auto rows =
      weights.empty() ? c.size() : std::ranges::count_if(weights, [](double w) { return w > 0; });
  Vocabulary vocabulary{.name = c.name()};
  for (const auto& [term, count] : kept) {
    vocabulary.terms.emplace_back(term);
    vocabulary.idf.push_back(std::log(static_cast<double>(1 + rows) / static_cast<double>(1 + count.texts)) +
                             1);
  }
  return vocabulary;
}

class FittedTfIdf : public FittedTransform {
 public:
  std::string_view kind() const override { return TfIdf::kName; }
  Table apply(const Table& features) const override;
  std::string describe() const override;
  void visit(Visitor& v) override {
    v.children("columns", vocabularies);
    v.value("ngram_min", ngrams.low);
    v.value("ngram_max", ngrams.high);
    v.value("lowercase", ngrams.lowercase);
    v.value("sublinear", sublinear);
  }

  std::vector<Vocabulary> vocabularies;
  Ngrams ngrams;
  bool sublinear = true;

 private:
  Matrix encode(const Column& c, const Vocabulary& vocabulary) const;
};

Matrix FittedTfIdf::encode(const Column& c, const Vocabulary& vocabulary) const {
  std::unordered_map<std::string_view, std::int32_t> index;
  for (const std::string& term : vocabulary.terms)
    index.emplace(term, static_cast<std::int32_t>(index.size()));
  std::vector<SparseRows> parts(static_cast<std::size_t>((c.size() + kTexts - 1) / kTexts));
  parallel_for(c.size(), kTexts, [&](std::int64_t begin, std::int64_t end) {
    SparseRows& part = parts[static_cast<std::size_t>(begin / kTexts)];
    std::vector<std::string> words;
    std::vector<std::int32_t> used;
    for (std::int64_t r = begin; r < end; ++r) {
      used.clear();
      if (!c.is_missing(r))
        for_each_term(c.text_at(r), ngrams, words, [&](std::string_view term) {
          if (const auto it = index.find(term); it != index.end()) used.push_back(it->second);
        });
      std::ranges::sort(used);
      const std::size_t first = part.values.size();
      double squares = 0;
      for (std::size_t i = 0; i < used.size();) {
        const std::int32_t term = used[i];
        double count = 0;
        for (; i < used.size() && used[i] == term; ++i) ++count;
        const double value =
            (sublinear ? 1 + std::log(count) : count) * vocabulary.idf[static_cast<std::size_t>(term)];
        part.where.push_back(term);
        part.values.push_back(value);
        squares += value * value;
      }
      for (std::size_t i = first; i < part.values.size(); ++i) part.values[i] /= std::sqrt(squares);
      part.lengths.push_back(static_cast<std::int64_t>(part.values.size() - first));
    }
  });
  return transform_detail::joined(parts, static_cast<std::int64_t>(vocabulary.terms.size()));
}

Table FittedTfIdf::apply(const Table& features) const {
  std::vector<std::string> names;
  for (const Vocabulary& v : vocabularies) names.push_back(v.name);
  const auto at = find_all(features, names, {ColumnKind::text}, TfIdf::kName);
  std::vector<std::vector<Column>> in_place(at.size());
  for (std::size_t i = 0; i < at.size(); ++i) {
    const Vocabulary& vocabulary = vocabularies[i];
    if (vocabulary.terms.empty()) continue;
    std::vector<std::string> feature_names;
    for (const std::string& term : vocabulary.terms)
      feature_names.push_back(fmt::format("{}: {}", vocabulary.name, term));
    in_place[i].push_back(Column::features(vocabulary.name, encode(features.columns()[at[i]], vocabulary),
                                           std::move(feature_names)));
  }
  return transform_detail::replace(features, at, std::move(in_place), {}, TfIdf::kName);
}

std::string FittedTfIdf::describe() const {
  if (vocabularies.empty()) return "tf_idf: no text column";
  return fmt::format("tf_idf of {} column{}, terms of {} to {} words ({})", vocabularies.size(),
                     vocabularies.size() == 1 ? "" : "s", ngrams.low, ngrams.high,
                     transform_detail::shortened(vocabularies.size(), [&](std::size_t i) {
                       return fmt::format("{} {} terms", vocabularies[i].name, vocabularies[i].terms.size());
                     }));
}

}  // namespace

const ParamList& TfIdfParams::list() {
  static const ParamList l{
      param<&TfIdfParams::ngram_min>("ngram_min", "fewest words of a term", between(1, 10)),
      param<&TfIdfParams::ngram_max>("ngram_max", "most words of a term", between(1, 10), {"ngram_range"}),
      param<&TfIdfParams::min_df>("min_df", "terms of fewer training texts are left out", at_least(1)),
      param<&TfIdfParams::max_features>("max_features", "the most used terms that are kept",
                                        between(1, 10'000'000)),
      param<&TfIdfParams::sublinear>("sublinear", "count a term's uses as 1 + ln(uses)", {},
                                     {"sublinear_tf"}),
      param<&TfIdfParams::lowercase>("lowercase", "take capitals for small letters"),
      param<&TfIdfParams::columns>("columns",
                                   "one column to act on; may be repeated; default: every text column"),
  };
  return l;
}

std::unique_ptr<FittedTransform> TfIdf::fit(const Dataset& data, const TransformContext& context) const {
  if (params_.ngram_max < params_.ngram_min)
    throw ParamError(
        kName, fmt::format("ngram_min = {} is above ngram_max = {}", params_.ngram_min, params_.ngram_max));
  const Table features = data.features();
  const std::vector<double> weights = data.weights();
  auto fitted = std::make_unique<FittedTfIdf>();
  fitted->ngrams = {params_.ngram_min, params_.ngram_max, params_.lowercase};
  fitted->sublinear = params_.sublinear;
  for (const std::string& name :
       transform_detail::choose(features, params_.columns, {ColumnKind::text}, kName))
    fitted->vocabularies.push_back(vocabulary_of(features.column(name), params_, weights, context.stop));
  return fitted;
}

TransformEntry tf_idf_entry() {
  return transform_entry<TfIdf>(
      "texts to weighted counts of words and neighbouring words",
      []() -> std::unique_ptr<FittedTransform> { return std::make_unique<FittedTfIdf>(); });
}

}  // namespace cairn
