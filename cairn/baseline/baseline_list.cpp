#include "cairn/baseline/baseline_list.h"

#include "cairn/baseline/constant.h"
#include "cairn/baseline/k_nearest_neighbors.h"
#include "cairn/baseline/naive_bayes.h"

namespace cairn {
namespace {

constexpr Accepts kAnything{.missing = true,
                            .categories = true,
                            .text = true,
                            .sparse = true,
                            .images = true,
                            .weights = true,
                            .unscaled = true};

const LearnerEntry kLearners[] = {
    {.name = Constant::kName,
     .doc = "Answers the same for every row: the mean of the target, or the shares of the classes.",
     .regression = true,
     .binary = true,
     .multiclass = true,
     .accepts = kAnything,
     .params = &ConstantParams::list,
     .make = &make_learner<Constant>,
     .blank = &make_blank<ConstantModel>,
     .model_kind = Constant::kName,
     .example_regression = "diabetes",
     .example_r2 = -0.1,
     .example_classification = "penguins",
     .example_accuracy = 0.35,
     .cost = 0,
     .auto_settings = nullptr},
    {.name = NaiveBayes::kName,
     .doc =
         "Bayes' rule with features taken as independent within a class: gaussian, multinomial or bernoulli.",
     .regression = false,
     .binary = true,
     .multiclass = true,
     .accepts = {.sparse = true, .weights = true, .unscaled = true},
     .params = &NaiveBayesParams::list,
     .make = &make_learner<NaiveBayes>,
     .blank = &make_blank<NaiveBayesModel>,
     .model_kind = NaiveBayes::kName,
     .example_regression = "",
     .example_r2 = 0,
     .example_classification = "wine",
     .example_accuracy = 0.93,
     .cost = 1,
     .auto_settings = ""},
    {.name = KNearestNeighbors::kName,
     .doc = "The mean, or the shares of the classes, of the k training rows that lie nearest.",
     .regression = true,
     .binary = true,
     .multiclass = true,
     .accepts = {.sparse = true, .weights = false, .unscaled = false},
     .params = &KNearestNeighborsParams::list,
     .make = &make_learner<KNearestNeighbors>,
     .blank = &make_blank<KNearestNeighborsModel>,
     .model_kind = KNearestNeighbors::kName,
     .example_regression = "diabetes",
     .example_r2 = 0.25,
     .example_classification = "penguins",
     .example_accuracy = 0.95,
     .cost = 2,
     .auto_settings = "",
     .flexibility = "k",
     .flexibility_grows = false},
};

}  // namespace

std::span<const LearnerEntry> baseline_learners() { return kLearners; }

}  // namespace cairn
