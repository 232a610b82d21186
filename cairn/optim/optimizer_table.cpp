#include "cairn/optim/optimizer_table.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "cairn/base/error.h"
#include "cairn/base/suggest.h"
#include "cairn/optim/adam.h"
#include "cairn/optim/adaptive.h"
#include "cairn/optim/lbfgs_optimizer.h"
#include "cairn/optim/momentum.h"
#include "cairn/optim/muon.h"

namespace cairn {
namespace {

template <class O>
constexpr OptimizerEntry entry() {
  return {O::kName, O::kDoc, &O::Params::list,
          [] {
            typename O::Params params;
            return params_to_json({O::kName, &params, &O::Params::list()});
          },
          [](ModuleRef net, const Json& json, StepOptions options) -> std::unique_ptr<Optimizer> {
            typename O::Params params;
            params_from_json({O::kName, &params, &O::Params::list()}, json);
            return std::make_unique<O>(net, params, std::move(options));
          }};
}

constexpr OptimizerEntry kEntries[] = {
    entry<SgdOptimizer>(), entry<AdaGrad>(), entry<RmsProp>(),   entry<Adam>(),  entry<AdamW>(),
    entry<NAdam>(),        entry<Lion>(),    entry<Adafactor>(), entry<Lbfgs>(), entry<Muon>()};

}  // namespace

std::span<const OptimizerEntry> optimizers() { return kEntries; }

const OptimizerEntry& optimizer_named(std::string_view name) {
  std::vector<std::string> names;
  for (const OptimizerEntry& e : kEntries) {
    if (name == e.name) return e;
    names.emplace_back(e.name);
  }
  throw UsageError("optimizer", fmt::format("there is none called '{}'", name), suggestion(name, names));
}

}  // namespace cairn
