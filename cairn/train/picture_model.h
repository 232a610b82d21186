// The fitted model of a network on pictures: its declaration, its weights, and how pixels become what it
// sees.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cairn/data/pixels.h"
#include "cairn/model/learner.h"
#include "cairn/nn/network.h"

namespace cairn {

// A table's one column of pictures and its classes.
struct PictureData {
  std::string column;
  Tensor pixels;  // u8 [n, H, W, C]
  std::vector<std::int32_t> codes;
  std::vector<std::string> classes;
  std::int32_t positive = 1;
  Task task = Task::multiclass;
  std::vector<double> weights;  // empty: every row counts once
};
// DataError: no column of pictures or several, a column of another kind, no rows, weights that are all 0.
PictureData picture_data(const Dataset& data, std::string_view learner_name);

class PictureModel final : public Model {
 public:
  static constexpr std::string_view kKind = "picture_network";

  PictureModel();  // blank, for visit()
  PictureModel(const PictureData& data, PixelScaling scaling, Network net);

  std::string_view kind() const override { return kKind; }
  Table predict(const Table& table) const override;
  Task task() const override { return task_; }
  const std::vector<std::string>& classes() const override { return classes_; }
  std::vector<std::string> notes() const override { return notes_; }
  std::vector<double> loss_history() const override { return loss_history_; }
  std::vector<double> watched_history() const override { return watched_history_; }
  Tensor filters() const override;
  void visit(Visitor& v) override;

  void set_histories(std::vector<double> loss, std::vector<double> watched);
  void set_notes(std::vector<std::string> notes) { notes_ = std::move(notes); }
  const Network& network() const { return *net_; }

 private:
  void check_loaded(std::int64_t positive) const;
  Task task_ = Task::multiclass;
  std::int32_t positive_ = 1;
  std::string column_;
  std::vector<std::string> classes_, notes_;
  PixelScaling scaling_;
  std::unique_ptr<Network> net_;  // in evaluation: running it changes nothing
  std::vector<double> loss_history_, watched_history_;
};

}  // namespace cairn
