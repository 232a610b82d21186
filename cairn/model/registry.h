// The tables of what there is: learners, transforms, readers. Filled by explicit lists in builtin/ (static
// registration is dropped by linkers); read by the program, the docs, the archive and the contract tests.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cairn/base/params.h"
#include "cairn/data/reader.h"
#include "cairn/data/transform.h"
#include "cairn/model/learner.h"

namespace cairn {

// What a learner takes as it is; `prepare` adds the transforms for the rest.
struct Accepts {
  bool missing = false, categories = false, text = false, sparse = false;
  bool images = false;   // pictures as they are
  bool tables = true;    // false: one column of pictures and nothing else
  bool weights = true;   // sample weights
  bool unscaled = true;  // false: prepare puts a standard scale before it
};

struct LearnerEntry {
  const char* name;  // "ridge"
  const char* doc;   // one sentence
  bool regression, binary, multiclass;
  Accepts accepts;
  const ParamList& (*params)();
  std::unique_ptr<Learner> (*make)();  // with default parameters
  std::unique_ptr<Model> (*blank)();   // to be filled by visit() when a model is loaded
  const char* model_kind;              // Model::kind() of what it returns
  // The contract suite trains it on this example (tests/contract/examples.h) for each task it serves and
  // expects at least this score: r2 for regression, accuracy for classification.
  const char* example_regression;  // "diabetes"; "" when it does not serve the task
  double example_r2;
  const char* example_classification;  // "penguins"
  double example_accuracy;
  int cost;  // 0 trivial (a baseline), 1 cheap, 2 moderate, 3 dear, 4 minutes: `auto` tries the cheap ones
             // first
  // What `auto` tries beside the default parameters: "alpha=0.1;alpha=10"; null: `auto` leaves the learner to
  // the person.
  const char* auto_settings = "";
  // What `auto` sets beside where the last fit is on rows in parts, which it could not be without.
  const char* parts_settings = "";
  // The parameter that makes the model more or less flexible, for the doctor's probes; "" when there is none.
  const char* flexibility = "";
  bool flexibility_grows = true;  // a larger value is more flexible (C); false: less (alpha, k)
  bool network = false;           // trained in epochs, with checkpoints and event files
  bool continues = false;         // goes on from FitContext::start_model
  bool refits = false;            // and knows FitContext::refit
  bool stochastic = false;  // steps through rows in a drawn order: a weight is repetition only in the mean
  // A fit is measured on one fold instead of all, and the doctor does not repeat it.
  bool takes_minutes() const { return cost >= 4; }
  bool serves(Task task) const {
    return task == Task::regression ? regression : task == Task::binary ? binary : multiclass;
  }
};

// What an error costs while a learner is fitted, chosen by its parameter `loss`.
struct LossEntry {
  const char* name;  // "huber"
  const char* doc;
  bool regression, binary, multiclass;
  const char* learner;  // whose parameter it is
};

class Registry {
 public:
  std::vector<LearnerEntry> learners;
  std::vector<TransformEntry> transforms;
  std::vector<Reader> readers;
  std::vector<LossEntry> losses;

  const LearnerEntry& learner(std::string_view name) const;  // UsageError with the nearest name
  const TransformEntry& transform(std::string_view name) const;
  const Reader& reader(std::string_view name) const;
  std::unique_ptr<Model> blank_model(std::string_view kind) const;  // ModelFileError for an unknown kind
  std::unique_ptr<FittedTransform> blank_transform(std::string_view kind) const;
};

// The functions an entry needs, from a learner class L with `using Params = ...; explicit L(Params)` and its
// model class M.
template <class L>
std::unique_ptr<Learner> make_learner() {
  return std::make_unique<L>(typename L::Params{});
}
template <class M>
std::unique_ptr<Model> make_blank() {
  return std::make_unique<M>();
}

// A learner's parameters, held and validated: class Ridge : public LearnerWith<Ridge, RidgeParams> { ... }.
template <class Derived, class P>
class LearnerWith : public Learner {
 public:
  using Params = P;
  explicit LearnerWith(P params) : params_(std::move(params)) { validate(LearnerWith::params()); }
  std::string_view name() const override { return Derived::kName; }
  ParamsView params() const override { return {Derived::kName, const_cast<P*>(&params_), &P::list()}; }
  std::unique_ptr<Learner> clone() const override {
    return std::make_unique<Derived>(static_cast<const Derived&>(*this));
  }

 protected:
  P params_;
};

}  // namespace cairn
