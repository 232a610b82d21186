// One network under check: its data, its states, what has been found so far. Each look is a function on it.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "cairn/check/network_check.h"
#include "cairn/check/trace_internal.h"
#include "cairn/nn/snapshot.h"

namespace cairn {

class Examination {
 public:
  Examination(const NetworkUnderCheck& subject, const Tensor& x, const Tensor& y,
              const NetworkCheckOptions& options, const StopToken& stop);
  Examination(const Examination&) = delete;
  Examination& operator=(const Examination&) = delete;
  ~Examination();  // the network is as it was

  const NetworkCheckOptions& options;
  const StopToken& stop;
  const ModuleRef net;
  NetworkCheck result;
  bool hopeless = false;  // nothing that follows would say anything

  // The whole data; classes are i64.
  const Tensor x, y;
  bool classes() const { return y.dtype() == DType::i64; }
  bool known_loss() const { return !subject_.loss; }
  std::int64_t rows() const { return x.size(0); }
  Tensor rows_of_x(std::span<const std::int64_t> rows) const;  // in the network's present element type
  Tensor rows_of_y(std::span<const std::int64_t> rows) const;
  std::vector<std::int64_t> some_rows(std::int64_t most, std::string_view purpose) const;

  // The network computes in `dtype` from its first state on.
  void restart(DType dtype, bool training);
  void restart(bool training) { restart(dtype_, training); }
  DType dtype() const { return dtype_; }
  DType own_dtype() const { return own_dtype_; }
  Tensor forward(const Tensor& batch) const;
  Tensor loss(const Tensor& output, const Tensor& targets) const;
  double accuracy(const Tensor& output, const Tensor& targets) const;  // of classes
  // The first batch: at most 256 examples for statistics, and what ran on it, in training.
  Tensor sample_x, sample_y, sample_output;
  Trace trace;
  std::set<std::string> useless_biases;  // names of parameters, found in the trace

  void find(std::string name, std::string place, std::string evidence, std::string remedy);
  bool found(std::string_view name) const;
  void measure(std::string what, std::string value);

 private:
  const NetworkUnderCheck& subject_;
  DType dtype_, own_dtype_;
  std::vector<Module*> modules_;
  std::vector<bool> trained_;
  Snapshot own_, wide_;  // the first state in its own element type, and in f64
  std::set<std::string> accepted_;
};

std::vector<double> as_numbers(const Tensor& t);  // in C order

// The looks, in their order.
void look_at_data(Examination& e);
void look_at_neighbours(Examination& e);
void look_at_start(Examination& e);
void look_at_structure(Examination& e);
void look_at_layers(Examination& e);
void look_at_loss(Examination& e);
void look_at_gradients(Examination& e);
void look_at_modes(Examination& e);
void look_at_mixing(Examination& e);
void look_at_learning(Examination& e);

}  // namespace cairn
