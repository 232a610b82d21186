// The objectives that have a file of their own; objective.cpp lists them.
#pragma once

#include "cairn/tree/objective/objective_internal.h"

namespace cairn::tree {

// ---- lambda_rank.cpp
// The loss is 1 less the mean over queries of NDCG, or of average precision, of the first rank_at rows; a
// row's weight counts as a part of its query's.
bool is_relevance(double y);
void check_queries(const Truth& truth);
void rank_gradients(const Truth& truth, std::span<const double> raw, std::span<double> g,
                    std::span<double> h);
double rank_loss(const Truth& truth, std::span<const double> raw);

// ---- survival.cpp
bool is_time(double y);
std::shared_ptr<const std::vector<std::uint32_t>> rows_by_time(std::span<const double> time);
void check_events(const Truth& truth);
// Cox: the negative logarithm of the partial likelihood (Breslow's for equal times), an event.
void cox_gradients(const Truth& truth, std::span<const double> raw, std::span<double> g, std::span<double> h);
double cox_loss(const Truth& truth, std::span<const double> raw);
// Accelerated failure time: log(time) = raw + scale * noise; of a censored row what is known is that it was
// longer.
void aft_start(const Truth& truth, std::span<double> base);
void aft_gradients(const Truth& truth, std::span<const double> raw, std::int64_t begin, std::int64_t end,
                   std::span<double> g, std::span<double> h);
double aft_loss(const Truth& truth, std::span<const double> raw, std::int64_t row);

// ---- expression_objective.cpp
// FitError: where the loss of a row of the first round is no number.
void expression_start(const Truth& truth, std::span<double> base);
void expression_gradients(const Truth& truth, std::span<const double> raw, std::int64_t begin,
                          std::int64_t end, std::span<double> g, std::span<double> h);
double expression_loss(const Truth& truth, std::span<const double> raw, std::int64_t row);

// ---- best_constant.cpp
// The raw output of one output that, given to every row, has the least loss: Newton's method from `guess`
// with halved steps where one would raise it.
double best_constant(const Truth& truth, const Objective& objective, double guess);

}  // namespace cairn::tree
