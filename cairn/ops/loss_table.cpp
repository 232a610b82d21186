#include "cairn/ops/loss_table.h"

#include <vector>

#include "cairn/ops/loss.h"
#include "cairn/tensor/samples.h"

namespace cairn {
namespace {

Tensors two(const Tensor& a, const Tensor& b) { return {a, b}; }
// Away from the corners of |x - t| and of hinges, where central differences see neither side's slope.
Tensors values() { return two(uniform({4, 3}, 1, 3), uniform({4, 3}, -1.5, 0.5)); }
Tensors probabilities() { return two(uniform({6}, 0.2, 0.8), uniform({6}, 0, 1)); }
Tensors logits() { return two(uniform({6}, -2, 2), uniform({6}, 0, 1)); }
Tensors classes() { return two(uniform({4, 3}, -2, 2), whole_numbers({4}, 3)); }

const LossFunction kLosses[] = {
    {"mse", "(x - t)^2", "mse(inputs, targets, reduction)", &values,
     [](const Tensors& in) { return mse(in[0], in[1]); }},
    {"mae", "|x - t|", "mae(inputs, targets, reduction)", &values,
     [](const Tensors& in) { return mae(in[0], in[1]); }},
    {"huber", "half the square up to delta, then a straight line (Huber 1964)",
     "huber(inputs, targets, delta = 1, reduction)", &values,
     [](const Tensors& in) { return huber(in[0], in[1], 4); }},
    {"bce", "-(t log p + (1 - t) log(1 - p)) of probabilities", "bce(probabilities, targets, reduction)",
     &probabilities, [](const Tensors& in) { return bce(in[0], in[1]); }},
    {"bce_with_logits", "the same of p = sigmoid(logit), exact for large logits",
     "bce_with_logits(logits, targets, {.weight, .pos_weight, .reduction})", &logits,
     [](const Tensors& in) { return bce_with_logits(in[0], in[1]); }},
    {"focal", "bce_with_logits where what is already right counts less (Lin et al. 2017)",
     "focal(logits, targets, alpha = 0.25, gamma = 2, reduction)",
     [] { return two(uniform({4}, -2, 2), Tensor::from(std::vector<double>{0, 1, 1, 0})); },
     [](const Tensors& in) { return focal(in[0], in[1]); }},
    {"hinge", "max(0, 1 - t x), t = -1 or 1", "hinge(scores, targets, reduction)",
     [] { return two(uniform({4}, -0.8, 0.8), Tensor::from(std::vector<double>{-1, 1, 1, -1})); },
     [](const Tensors& in) { return hinge(in[0], in[1]); }},
    {"cross_entropy", "minus the logarithm of the true class's softmax",
     "cross_entropy(logits, targets, {.class_weights, .label_smoothing, .ignore_index, .reduction})",
     &classes, [](const Tensors& in) { return cross_entropy(in[0], in[1]); }},
    {"nll", "minus the true class's log-probability",
     "nll(log_probabilities, targets, {.class_weights, .label_smoothing, .ignore_index, .reduction})",
     &classes, [](const Tensors& in) { return nll(in[0], in[1]); }},
    {"kl_divergence", "sum over classes of t (log t - x), x log-probabilities",
     "kl_divergence(log_probabilities, targets, reduction)",
     [] { return two(uniform({4, 3}, -2, -0.1), uniform({4, 3}, 0.1, 0.6)); },
     [](const Tensors& in) { return kl_divergence(in[0], in[1]); }},
    {"cosine_similarity_loss", "1 - cos(a, b) along the last axis", "cosine_similarity_loss(a, b, reduction)",
     &values, [](const Tensors& in) { return cosine_similarity_loss(in[0], in[1]); }},
    {"triplet", "max(0, |a - p|^2 - |a - n|^2 + margin) (Schroff, Kalenichenko, Philbin 2015)",
     "triplet(anchor, positive, negative, {.margin = 0.2, .squared = true, .reduction})",
     [] { return Tensors{uniform({4, 3}, 0, 1), uniform({4, 3}, 2, 3), uniform({4, 3}, 0, 1)}; },
     [](const Tensors& in) { return triplet(in[0], in[1], in[2]); }},
};

}  // namespace

std::span<const LossFunction> loss_functions() { return kLosses; }

}  // namespace cairn
