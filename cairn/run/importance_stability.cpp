// How far importance depends on the seed: what a learner draws and which rows it sees.
#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>

#include "cairn/base/random.h"
#include "cairn/data/summary.h"
#include "cairn/model/selection.h"
#include "cairn/run/explain.h"
#include "cairn/run/explain_internal.h"
#include "cairn/run/measure.h"

namespace cairn {
namespace {

// 1 for the largest; equal values share the mean of their places.
std::vector<double> ranks_of(const std::vector<double>& values) {
  std::vector<double> ranks = mean_ranks(values);
  for (double& r : ranks) r = static_cast<double>(ranks.size()) - r;
  return ranks;
}

double correlation(const std::vector<double>& a, const std::vector<double>& b) {
  const double middle = (static_cast<double>(a.size()) + 1) / 2;  // the mean of all ranks
  double ab = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    ab += (a[i] - middle) * (b[i] - middle);
    aa += (a[i] - middle) * (a[i] - middle);
    bb += (b[i] - middle) * (b[i] - middle);
  }
  return ab / std::sqrt(aa * bb);
}

Json number_or_null(double v) { return std::isfinite(v) ? Json(v) : Json(nullptr); }

}  // namespace

RankAgreement rank_agreement(const std::vector<std::vector<double>>& ranks) {
  RankAgreement all;
  for (std::size_t a = 0; a < ranks.size(); ++a)
    for (std::size_t b = 0; b < a; ++b)
      if (const double r = correlation(ranks[a], ranks[b]); std::isfinite(r)) all.mean += r, ++all.pairs;
  all.mean = all.pairs > 0 ? all.mean / static_cast<double>(all.pairs) : NAN;
  return all;
}

Json importance_stability(const PipelineModel& model, const Dataset& given, const Metric& metric,
                          std::int64_t fits, std::uint64_t seed, const Registry& registry,
                          const StopToken& stop) {
  const Dataset data = sample_rows(given, kRefitRows, seed);
  const auto pipeline = learner_of(model, data, registry, "--seeds");
  std::map<std::string, std::vector<double>> values;  // of the columns, fit after fit
  for (std::int64_t f = 0; f < fits; ++f) {
    stop.throw_if_requested("importance by seed");
    const std::uint64_t own = derive_seed(seed, "importance seed", static_cast<std::uint64_t>(f));
    const Split parts = split(data, {.test = kJudgedShare, .seed = own});
    const auto fitted = pipeline->fit(data.select(parts.train), {.seed = own, .stop = stop});
    for (const Json& entry :
         permutation_importance(*fitted, data.select(parts.test), metric, {.seed = own}, stop))
      if (entry["value"].is_number()) values[entry["feature"]].push_back(entry["value"]);
  }
  // A column whose importance is not defined in some fit has no place among the others.
  std::erase_if(values, [&](const auto& column) { return std::ssize(column.second) != fits; });
  std::vector<std::vector<double>> ranks;  // [fits][columns]
  for (std::int64_t f = 0; f < fits; ++f) {
    std::vector<double> of_fit;
    for (const auto& [column, all] : values) of_fit.push_back(all[static_cast<std::size_t>(f)]);
    ranks.push_back(ranks_of(of_fit));
  }
  const RankAgreement agreement = rank_agreement(ranks);
  struct Told {
    std::string column;
    double mean, deviation, best, worst;
  };
  std::vector<Told> told;
  for (const auto& [column, all] : values) {
    const auto n = static_cast<double>(fits);
    const double mean = std::accumulate(all.begin(), all.end(), 0.0) / n;
    double squares = 0;
    for (const double v : all) squares += (v - mean) * (v - mean);
    Told t{column, mean, std::sqrt(squares / (n - 1)), INFINITY, 0};
    for (const auto& of_fit : ranks) {
      t.best = std::min(t.best, of_fit[told.size()]);
      t.worst = std::max(t.worst, of_fit[told.size()]);
    }
    told.push_back(std::move(t));
  }
  std::ranges::stable_sort(told, std::greater{}, &Told::mean);
  Json columns = Json::array();
  for (const Told& t : told)
    columns.push_back({{"feature", t.column},
                       {"mean", t.mean},
                       {"deviation", t.deviation},
                       {"best_rank", t.best},
                       {"worst_rank", t.worst}});
  return {{"fits", fits},
          {"pairs", fits * (fits - 1) / 2},
          {"pairs_compared", agreement.pairs},
          {"rank_correlation", number_or_null(agreement.mean)},
          {"columns", std::move(columns)}};
}

}  // namespace cairn
