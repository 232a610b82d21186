// Learner -> immutable Model. A Learner holds parameters and nothing else; fitting returns a Model;
// predicting is const and thread-safe. There is no "not fitted" state.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cairn/base/error.h"
#include "cairn/base/json.h"
#include "cairn/base/params.h"
#include "cairn/base/progress.h"
#include "cairn/base/stop.h"
#include "cairn/data/dataset.h"
#include "cairn/tensor/visitor.h"

namespace cairn {

class Model;
struct ColumnShares;  // cairn/model/contributions.h
struct Contributions;

// Everything a fit needs beside parameters and data. The seed lives here and nowhere else.
struct FitContext {
  std::uint64_t seed = 0;
  const Dataset* validation = nullptr;  // for early stopping; never trained on
  const Model* start_model = nullptr;   // continue from it, where LearnerEntry::continues says so
  // Instead: keep what start_model asks and learn what it answers anew, where LearnerEntry::refits says so.
  bool refit = false;
  StopToken stop;
  Progress* progress = nullptr;                // for a person; null: nobody looks
  std::function<void(const Json& event)> log;  // one object an event: {"epoch": 3, "loss": 0.2}; may be empty
  // Of the run: a long fit keeps checkpoints there and goes on from them, one that breaks leaves what replays
  // it; empty: nowhere.
  std::string folder;
  std::string fit;           // which of the run's fits this is, "mlp fold 2": names its checkpoint
  bool event_files = false;  // for TensorBoard, in the folder

  FitContext named(std::string fit_name) const;  // the same for one fit, whose events carry its name
};

class Learner {
 public:
  virtual ~Learner() = default;
  virtual std::string_view name() const = 0;  // its name in the registry: "ridge"
  virtual ParamsView params() const = 0;
  // What the model of a regression will predict.
  virtual Predicts predicts() const { return Predicts::value; }
  virtual std::unique_ptr<Learner> clone() const = 0;
  // Columns that are no features, whose values in earlier rows its model needs: the time, the target.
  virtual std::vector<std::string> looks_back_on(const Dataset& /*data*/) const { return {}; }
  // DataError when the data cannot be learned from as they are; FitError when the algorithm cannot finish;
  // Interrupted.
  virtual std::unique_ptr<Model> fit(const Dataset& data, const FitContext& context = {}) const = 0;
};

// Where a model comes from and what it may be used for. Written by whoever trains; travels in the archive.
struct ModelCard {
  std::string task, target, positive;
  std::string group, event;  // columns that judging needs; "" where it needs none
  std::string time;          // of a model that looks back: the column that puts rows in order; "" else
  std::vector<std::string> classes;
  std::string learner, params_json;
  std::string data_sha256, trained_on;  // "275 of 344 rows, stratified by species"
  std::string trained_rows_sha256;      // of those rows' numbers in the data; "" where all were learned from
  std::string metrics_json;             // held-out figures with intervals
  std::string inference_json;           // of a linear model: coefficients with errors and tests; "" else
  std::string prepare_json;             // the preparation that was written by hand; "" where none was
  std::string pipeline;                 // what happens to a row, a line a step
  std::string library_version;
  std::int64_t seed = 0, num_rows = 0;
  std::string notes;  // anything a person should read before using it
  void visit(Visitor& v);
};

// A named number that tells how the model uses a feature.
struct Coefficient {
  std::string feature;
  std::string output;  // class name for one-of-many classes, else ""
  double value = 0;
};

// How much the splits on a feature did in trees, summed over all of them.
struct Importance {
  std::string feature;
  double gain = 0;    // by how much the training criterion fell
  double cover = 0;   // weight of the training rows that were asked
  double splits = 0;  // how often it was asked
};

enum class ExplainsFrom : std::uint8_t {
  nothing,
  intercept,  // of a linear score: moved to the mean row once that is known
  mean,       // what is expected of a row of which nothing is known
};

class Model {
 public:
  virtual ~Model() = default;
  virtual std::string_view kind() const = 0;  // the name under which the registry can make a blank one
  // Columns `prediction` and, for classifiers, `p_<class>` in the order of classes(); of quantiles one
  // `q_<level>` each. Rows in input order.
  virtual Table predict(const Table& table) const = 0;
  virtual void visit(Visitor& v) = 0;

  virtual Task task() const = 0;
  virtual Predicts predicts() const { return Predicts::value; }  // regression
  virtual const std::vector<std::string>& classes() const = 0;   // empty for regression
  // Signed weights in the units of the model's own inputs; empty when the model has none.
  virtual std::vector<Coefficient> coefficients() const { return {}; }
  // What the fitting itself says about the features; empty when the model has no splits. Unlike coefficients
  // they have no sign, unlike permutation importance they speak of the training rows only.
  virtual std::vector<Importance> importances() const { return {}; }
  // What happened while fitting, for a person: "solver: cholesky, because ...". Stored with the model.
  virtual std::vector<std::string> notes() const { return {}; }
  // Whether contributions() is exact for this model, and what it counts from.
  virtual ExplainsFrom explains_from() const { return ExplainsFrom::nothing; }
  bool explains() const { return explains_from() != ExplainsFrom::nothing; }
  // What each column behind the features of `table`, which the model sees, adds to the score. NotSupported
  // for a model without an exact method.
  virtual Contributions contributions(const Table& table, const ColumnShares& shares) const;
  // The training loss after each iteration or epoch, where there is one.
  virtual std::vector<double> loss_history() const { return {}; }
  // The loss on rows that were watched for early stopping, after each epoch; empty when none were.
  virtual std::vector<double> watched_history() const { return {}; }
  // The step (1 is the first) whose model was kept, where training went on beyond it; 0: the last one.
  virtual std::int64_t kept_step() const { return 0; }
  // Columns that are no features and that predict() needs all the same, in earlier rows too: where there are
  // any, rows are predicted together, in the table that holds their past.
  virtual std::vector<std::string> looks_back_on() const { return {}; }
  // Whether earlier values of this column are among what it predicts from, and not only their order or
  // series.
  virtual bool looks_at_past_of(const std::string& /*column*/) const { return false; }
  // What a person should know of how predict() meets these rows: that their past is not known.
  virtual std::vector<Warning> remarks(const Table& /*table*/) const { return {}; }
  // What predict() is given of these data: their features and the columns looked back on.
  Table inputs(const Dataset& data) const;
  // What a page can draw of a model of trees, as "trees" of result.json; null for other models.
  virtual Json drawn_trees() const;
  // How a linear model's strength of penalty was chosen, as "penalty_path" of result.json; null for other
  // models.
  virtual Json penalty_path() const;
  // What the first layer looks for, as pictures: u8 [n, H, W, C]; undefined for a model that has none.
  virtual Tensor filters() const { return {}; }

  const ModelCard& card() const { return card_; }
  void set_card(ModelCard card) { card_ = std::move(card); }

 private:
  ModelCard card_;
};

}  // namespace cairn
