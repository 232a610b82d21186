// The fitted model of every network on tables: its declaration, its weights, and how targets are scaled.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cairn/model/numeric.h"
#include "cairn/nn/network.h"

namespace cairn {

class NetModel final : public NumericModel {
 public:
  static constexpr std::string_view kKind = "network";

  NetModel();  // blank, for visit()
  // Regression: prediction = center + scale * output.
  NetModel(const NumericData& data, Network net, DType dtype, double center, double scale);

  std::string_view kind() const override { return kKind; }
  void compute(const Matrix& x, std::span<double> outputs) const override;
  std::vector<double> loss_history() const override { return loss_history_; }
  std::vector<double> watched_history() const override { return watched_history_; }
  void set_histories(std::vector<double> loss, std::vector<double> watched) {
    loss_history_ = std::move(loss);
    watched_history_ = std::move(watched);
  }
  void add_note(std::string note) { notes_.push_back(std::move(note)); }
  const Network& network() const { return *net_; }

 private:
  void visit_members(Visitor& v) override;
  std::unique_ptr<Network> net_;  // in evaluation: running it changes nothing
  DType dtype_ = DType::f32;
  double center_ = 0, scale_ = 1;
  std::vector<double> loss_history_, watched_history_;
};

}  // namespace cairn
