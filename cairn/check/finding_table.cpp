#include "cairn/check/network_check.h"

namespace cairn {

std::span<const FindingKind> findings() {
  static constexpr FindingKind kFindings[] = {
      {"inputs_not_finite", "the inputs hold NaN or infinity"},
      {"inputs_constant", "most inputs never change"},
      {"inputs_not_scaled", "inputs lie far from mean 0 and standard deviation 1, or far from each other"},
      {"labels_out_of_range", "classes below 0 or beyond the network's outputs, such as counted from 1"},
      {"labels_constant", "every example has the same target"},
      {"targets_not_finite", "the targets hold NaN or infinity"},
      {"classes_unseen", "the network has far more outputs than there are classes"},
      {"labels_shifted", "targets stand a row beside their examples"},
      {"labels_unrelated", "examples that lie near each other agree no more than chance would have it"},
      {"not_finite", "the first pass gives NaN or infinity"},
      {"no_gradient", "the loss does not depend on the parameters"},
      {"output_ignores_input", "the output is the same whatever goes in"},
      {"parameter_unreached", "no gradient reaches a parameter"},
      {"parameter_frozen", "a parameter is frozen and will not learn"},
      {"parameter_not_named", "the loss depends on a tensor that visit() does not name: it never learns"},
      {"gradient_zero", "the gradient of a whole parameter is 0"},
      {"symmetric_units", "units of a layer begin alike and get the same gradient: they stay alike"},
      {"no_nonlinearity", "two linear layers follow each other with nothing between them: one would do"},
      {"bias_before_norm", "a bias stands before a normalisation, which takes it out again"},
      {"bias_missing", "a layer has weights and no bias"},
      {"softmax_twice", "the network ends in softmax and the loss applies it again"},
      {"output_limited", "the last activation keeps the output from where targets lie"},
      {"dead_units", "rectifiers that give 0 for every example"},
      {"saturated_units", "sigmoids or tanhs at the ends of their range"},
      {"activations_vanish", "what flows forward fades from layer to layer"},
      {"activations_explode", "what flows forward grows from layer to layer"},
      {"gradients_vanish", "what flows backward fades from layer to layer"},
      {"gradients_explode", "what flows backward grows from layer to layer"},
      {"initial_loss", "the loss at the start is far from that of a network that knows nothing"},
      {"loss_is_a_sum", "the loss grows with the number of examples"},
      {"loss_mixes_samples", "a batch's loss is not the mean of its examples' losses"},
      {"loss_disagrees", "the loss falls while the answers get worse"},
      {"gradient_wrong", "a gradient differs from central differences"},
      {"evaluation_random", "evaluation gives another answer the second time"},
      {"evaluation_changes_state", "evaluation changes the network"},
      {"dropout_not_rescaled", "training and evaluation differ in scale: what is dropped is not made up for"},
      {"running_statistics_stuck", "evaluation still uses statistics that training never moved"},
      {"samples_mixed", "in training an example's output depends on others, without a normalisation"},
      {"samples_mixed_in_evaluation", "in evaluation an example's output depends on others"},
      {"does_not_overfit", "one batch cannot be learned by heart"},
      {"parameter_not_updated", "a parameter with a gradient stays where it is"},
      {"learning_rate_high", "the loss rises at the learning rate that is meant to be used"},
      {"learning_rate_low", "the learning rate that is meant to be used hardly moves the loss"},
  };
  return kFindings;
}

}  // namespace cairn
