// Losses, f32 and f64: each example's loss, or their mean or sum (in f64, in blocks of fixed shape).
//
//   Tensor loss = cross_entropy(logits, labels, {.label_smoothing = 0.1});
#pragma once

#include "cairn/tensor/op.h"

namespace cairn {

enum class Reduction : std::int8_t { mean, sum, none };

// One value against another; inputs and targets have one shape.
Tensor mse(const Tensor& inputs, const Tensor& targets, Reduction reduction = Reduction::mean);  // (x - t)^2
Tensor mae(const Tensor& inputs, const Tensor& targets, Reduction reduction = Reduction::mean);  // |x - t|
// d^2 / 2 where d = |x - t| <= delta, delta (d - delta / 2) elsewhere; Huber 1964.
Tensor huber(const Tensor& inputs, const Tensor& targets, double delta = 1,
             Reduction reduction = Reduction::mean);

// One class against the rest; targets in [0, 1].
// -(t log p + (1 - t) log(1 - p)) of probabilities: infinite where the model was sure and wrong. Prefer the
// next.
Tensor bce(const Tensor& probabilities, const Tensor& targets, Reduction reduction = Reduction::mean);
struct BceOptions {
  Tensor weight;      // of each example; broadcasts to the logits
  Tensor pos_weight;  // of the part of t = 1; broadcasts to the logits
  Reduction reduction = Reduction::mean;
};
// The same of p = sigmoid(logit), exact for large logits.
Tensor bce_with_logits(const Tensor& logits, const Tensor& targets, const BceOptions& options = {});
// alpha_t (1 - p_t)^gamma times that loss, alpha_t = alpha for t = 1 and 1 - alpha for t = 0; alpha < 0: 1.
// Lin et al.: Focal loss for dense object detection; 2017.
Tensor focal(const Tensor& logits, const Tensor& targets, double alpha = 0.25, double gamma = 2,
             Reduction reduction = Reduction::mean);
// max(0, 1 - t x), t = -1 or 1.
Tensor hinge(const Tensor& scores, const Tensor& targets, Reduction reduction = Reduction::mean);

// One class of many.
struct ClassLossOptions {
  Tensor class_weights;                   // [C]
  double label_smoothing = 0;             // targets become (1 - s) q + s / C
  std::int64_t ignore_index = -100;       // such targets add nothing and are not counted
  Reduction reduction = Reduction::mean;  // by the sum of the weights of the targets' classes
};
// Logits [..., C] against classes, i64 [...], or probabilities [..., C] (whose mean is by their number).
Tensor cross_entropy(const Tensor& logits, const Tensor& targets, const ClassLossOptions& options = {});
// Log-probabilities [..., C] against classes, i64 [...].
Tensor nll(const Tensor& log_probabilities, const Tensor& targets, const ClassLossOptions& options = {});
// Sum over classes of t (log t - x), x log-probabilities; mean: by the number of rows.
Tensor kl_divergence(const Tensor& log_probabilities, const Tensor& targets,
                     Reduction reduction = Reduction::mean);

// Vectors, along the last axis.
// 1 - cos(a, b)
Tensor cosine_similarity_loss(const Tensor& a, const Tensor& b, Reduction reduction = Reduction::mean);
// max(0, |a - p|^2 - |a - n|^2 + margin), with distances in place of their squares where `squared` is false;
// Schroff, Kalenichenko, Philbin: FaceNet; 2015.
struct TripletOptions {
  double margin = 0.2;
  bool squared = true;
  Reduction reduction = Reduction::mean;
};
Tensor triplet(const Tensor& anchor, const Tensor& positive, const Tensor& negative,
               const TripletOptions& options = {});

struct ClassLossAttributes {
  double label_smoothing = 0;
  std::int64_t ignore_index = -100;
  std::int8_t reduction = 0;
  static const ParamList& list();
};
// The part of cross_entropy that networks run in every step: no class weights, targets by number.
extern const OpDef kCrossEntropy;          // logits, targets
extern const OpDef kCrossEntropyGradient;  // gradient of the loss, logits, targets: of the logits

}  // namespace cairn
