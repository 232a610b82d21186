// Every loss against what torch makes of the same numbers, values and gradients (scripts/golden/losses.py).
#include <doctest/doctest.h>

#include <cmath>
#include <map>
#include <set>

#include "cairn/ops/catalogue.h"
#include "cairn/ops/elementwise.h"
#include "cairn/ops/loss.h"
#include "cairn/ops/loss_internal.h"
#include "cairn/ops/reduce.h"
#include "cairn/ops/shape_ops.h"
#include "cairn/tensor/backward.h"
#include "tests/support/golden.h"

using namespace cairn;
using nlohmann::json;

namespace {

struct Inputs {
  std::map<std::string, Tensor> all;
  const Tensor& operator[](const char* name) const { return all.at(name); }
  Tensor classes() const { return all.at("t").to(DType::i64); }
};

struct Row {
  const char *golden, *operation;  // the script's case, the record that computes it
  Tensor (*loss)(const Inputs& in, Reduction r);
};

// A row a case of the script. `operation` is what the next test holds against the catalogue.
const std::vector<Row>& rows() {
  static const std::vector<Row> all{
      {"mse", "mse", [](const Inputs& in, Reduction r) { return mse(in["x"], in["t"], r); }},
      {"mae", "mae", [](const Inputs& in, Reduction r) { return mae(in["x"], in["t"], r); }},
      {"huber", "huber", [](const Inputs& in, Reduction r) { return huber(in["x"], in["t"], 0.7, r); }},
      {"bce", "bce", [](const Inputs& in, Reduction r) { return bce(in["p"], in["t"], r); }},
      {"bce_with_logits", "bce_with_logits",
       [](const Inputs& in, Reduction r) { return bce_with_logits(in["x"], in["t"], {.reduction = r}); }},
      {"bce_with_logits large", "bce_with_logits",
       [](const Inputs& in, Reduction r) { return bce_with_logits(in["x"], in["t"], {.reduction = r}); }},
      {"bce_with_logits weights", "weighted_bce_with_logits",
       [](const Inputs& in, Reduction r) {
         return bce_with_logits(in["x"], in["t"],
                                {.weight = in["weight"], .pos_weight = in["pos_weight"], .reduction = r});
       }},
      {"focal", "focal", [](const Inputs& in, Reduction r) { return focal(in["x"], in["t"], 0.25, 2, r); }},
      {"hinge", "hinge", [](const Inputs& in, Reduction r) { return hinge(in["x"], in["t"], r); }},
      {"cross_entropy", "cross_entropy",
       [](const Inputs& in, Reduction r) { return cross_entropy(in["x"], in.classes(), {.reduction = r}); }},
      {"cross_entropy ignore", "cross_entropy",
       [](const Inputs& in, Reduction r) { return cross_entropy(in["x"], in.classes(), {.reduction = r}); }},
      {"cross_entropy smoothing", "cross_entropy",
       [](const Inputs& in, Reduction r) {
         return cross_entropy(in["x"], in.classes(), {.label_smoothing = 0.1, .reduction = r});
       }},
      {"cross_entropy smoothing ignore", "cross_entropy",
       [](const Inputs& in, Reduction r) {
         return cross_entropy(in["x"], in.classes(), {.label_smoothing = 0.1, .reduction = r});
       }},
      {"cross_entropy weights", "weighted_cross_entropy",
       [](const Inputs& in, Reduction r) {
         return cross_entropy(in["x"], in.classes(), {.class_weights = in["weight"], .reduction = r});
       }},
      {"cross_entropy weights smoothing ignore", "weighted_cross_entropy",
       [](const Inputs& in, Reduction r) {
         return cross_entropy(in["x"], in.classes(),
                              {.class_weights = in["weight"], .label_smoothing = 0.1, .reduction = r});
       }},
      {"cross_entropy soft", "soft_cross_entropy",
       [](const Inputs& in, Reduction r) { return cross_entropy(in["x"], in["q"], {.reduction = r}); }},
      {"cross_entropy soft weights smoothing", "soft_cross_entropy",
       [](const Inputs& in, Reduction r) {
         return cross_entropy(in["x"], in["q"],
                              {.class_weights = in["weight"], .label_smoothing = 0.1, .reduction = r});
       }},
      {"nll", "nll",
       [](const Inputs& in, Reduction r) { return nll(in["x"], in.classes(), {.reduction = r}); }},
      {"nll weights ignore", "nll",
       [](const Inputs& in, Reduction r) {
         return nll(in["x"], in.classes(), {.class_weights = in["weight"], .reduction = r});
       }},
      {"kl_divergence", "kl_divergence",
       [](const Inputs& in, Reduction r) { return kl_divergence(in["x"], in["t"], r); }},
      {"cosine", "cosine_similarity_loss",
       [](const Inputs& in, Reduction r) { return cosine_similarity_loss(in["a"], in["b"], r); }},
      {"triplet", "triplet",
       [](const Inputs& in, Reduction r) {
         return triplet(in["a"], in["b"], in["c"], {.margin = 0.5, .squared = false, .reduction = r});
       }},
      {"triplet squared", "triplet",
       [](const Inputs& in, Reduction r) {
         return triplet(in["a"], in["b"], in["c"], {.margin = 0.5, .squared = true, .reduction = r});
       }},
  };
  return all;
}

const json& golden() {
  static const json g = test::read_golden("losses.json");
  return g;
}

const std::vector<std::pair<const char*, Reduction>>& reductions() {
  static const std::vector<std::pair<const char*, Reduction>> all{
      {"mean", Reduction::mean}, {"sum", Reduction::sum}, {"none", Reduction::none}};
  return all;
}

std::vector<double> values_of(const Tensor& t) {
  const Tensor wide = t.detach().to(DType::f64).contiguous();
  return {wide.data<double>().begin(), wide.data<double>().end()};
}

Inputs inputs_of(const json& recorded, DType dtype) {
  Inputs in;
  for (const auto& [name, tensor] : recorded["inputs"].items()) {
    const auto dims = tensor["shape"].get<std::vector<std::int64_t>>();
    const Tensor wide = Tensor::from(test::golden_numbers(tensor["values"])).reshape(Shape(dims));
    const Tensor given = wide.to(dtype);
    in.all[name] = recorded["gradients"].contains(name) ? watched(given) : given;
  }
  return in;
}

void check_row(const Row& row, const char* reduction, Reduction r, DType dtype) {
  const json& recorded = golden()["cases"].at(std::string(row.golden) + " " + reduction);
  CHECK(recorded["loss"] == row.operation);
  const double tolerance = dtype == DType::f64 ? 1e-12 : 3e-5;
  const Inputs in = inputs_of(recorded, dtype);
  const Tensor loss = row.loss(in, r);
  CHECK(loss.dtype() == dtype);
  CHECK(test::largest_difference(values_of(loss), test::golden_numbers(recorded["value"])) < tolerance);
  const Tensor weights = (arange(loss.size(), dtype) + 1.0).reshape(loss.shape());
  const Gradients g = backward(sum(loss * weights));
  for (const auto& [name, expected] : recorded["gradients"].items()) {
    CAPTURE(name);
    CHECK(test::largest_difference(values_of(g.of(in[name.c_str()])), test::golden_numbers(expected)) <
          tolerance);
  }
}

}  // namespace

TEST_CASE("losses: torch's values and gradients, by mean, by sum and each, in f64 and in f32") {
  for (const Row& row : rows())
    for (const auto& [name, r] : reductions())
      for (const DType dtype : {DType::f64, DType::f32}) {
        const std::string what = std::string(row.golden) + ", " + name + ", " + name_of(dtype);
        CAPTURE(what);
        check_row(row, name, r, dtype);
      }
}

TEST_CASE("losses: none is without recorded numbers, and no recorded number is forgotten") {
  std::set<std::string> compared;
  for (const Row& row : rows()) compared.insert(row.operation);
  for (const OpDef* op : all_ops()) {
    const bool is_loss =
        op->attributes == &LossAttributes::list || op->attributes == &ClassLossAttributes::list;
    if (!is_loss || std::string(op->name).ends_with("_gradient")) continue;
    CAPTURE(std::string(op->name));
    CHECK(compared.contains(op->name));
  }
  CHECK(golden()["cases"].size() == rows().size() * reductions().size());
}
