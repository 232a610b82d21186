// Trees as other programs know them: one number a leaf, no base, no mean.
#include <fmt/format.h>

#include <algorithm>

#include "cairn/base/error.h"
#include "cairn/base/index.h"
#include "cairn/tree/exchange/export_internal.h"

namespace cairn::export_detail {

void refuse_lines(const TreeEnsemble& trees, std::string_view what) {
  if (trees.is_linear())
    throw NotSupported("export",
                       fmt::format("leaves of this model answer along lines, which {} does not hold", what),
                       "Train it with --set leaves=constant.");
}

double divisor_of(const TreeEnsemble& trees) {
  const bool mean = trees.options().average || trees.options().output == TreeOutput::share;
  return mean && trees.num_trees() > 0 ? static_cast<double>(trees.num_trees()) : 1;
}

std::vector<Tree> plain_trees(const TreeModel& model, std::string_view program) {
  const TreeEnsemble& trees = model.trees();
  const TreeEnsembleOptions& options = trees.options();
  const std::int64_t k = trees.num_outputs();
  refuse_lines(trees, fmt::format("{}'s file as it is written here", program));
  if (model.quantiles().size() > 1)
    throw NotSupported(
        "export",
        fmt::format("this model predicts {} quantiles at once, and {} would not put them in order",
                    model.quantiles().size(), program),
        "Export it as a C++ header, or train one level: --set quantile=0.5.");
  const double scale = divisor_of(trees);
  std::vector<std::vector<Tree>> of_output(at(k));
  for (std::int64_t t = 0; t < trees.num_trees(); ++t)
    for (std::int64_t o = 0; o < (options.vector_leaves ? k : 1); ++o) {
      Tree one = trees.tree(t);
      for (TreeNode& n : one.nodes)
        if (n.is_leaf()) n.value = {n.value[at(o)] / scale};
      of_output[at(options.vector_leaves ? o : one.output)].push_back(std::move(one));
    }
  // The base comes last: a program that adds in f32 then rounds small sums until the end.
  const bool shares = options.output == TreeOutput::share;  // they have none
  for (std::int64_t o = 0; o < (shares ? 0 : k); ++o) {
    Tree base;
    base.nodes.push_back({.cover = 1, .value = {options.base[at(o)]}});
    of_output[at(o)].push_back(std::move(base));
  }
  std::size_t rounds = 0;
  for (const auto& list : of_output) rounds = std::max(rounds, list.size());
  std::vector<Tree> plain;
  for (std::size_t round = 0; round < rounds; ++round)
    for (std::int64_t o = 0; o < k; ++o) {
      auto& list = of_output[at(o)];
      Tree nothing;
      nothing.nodes.push_back({.cover = 1, .value = {0}});
      plain.push_back(round < list.size() ? std::move(list[round]) : std::move(nothing));
      plain.back().output = static_cast<std::int32_t>(o);
    }
  return plain;
}

}  // namespace cairn::export_detail
