#include <algorithm>
#include <bit>
#include <numeric>

#include "cairn/tree/cart_criteria_internal.h"

namespace cairn::tree {
namespace {

void add(std::vector<double>& tree, std::size_t i, double v) {
  for (; i < tree.size(); i += i & (~i + 1)) tree[i] += v;
}

}  // namespace

QuantileGain::QuantileGain(const NodeRows& node, double scale)
    : node_(node), above_(scale * node.level), below_(scale * (1 - node.level)), place_(node.y.size()) {
  const std::size_t n = node.y.size();
  std::vector<std::size_t> order(n);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) { return node.y[a] < node.y[b]; });
  all_w_.assign(n + 1, 0.0);
  all_wy_.assign(n + 1, 0.0);
  for (std::size_t i = 0; i < n; ++i) {
    place_[order[i]] = i + 1;
    sorted_.push_back(node.y[order[i]]);
    const double w = node.w.empty() ? 1 : node.w[order[i]];
    add(all_w_, i + 1, w);
    add(all_wy_, i + 1, w * sorted_[i]);
  }
  start();
  parent_ = side(false).distance;
}

void QuantileGain::start() {
  left_w_.assign(all_w_.size(), 0.0);
  left_wy_.assign(all_w_.size(), 0.0);
  weight_left_ = sum_left_ = 0;
}

void QuantileGain::move(std::size_t i) {
  const double w = node_.w.empty() ? 1 : node_.w[i];
  add(left_w_, place_[i], w);
  add(left_wy_, place_[i], w * node_.y[i]);
  weight_left_ += w;
  sum_left_ += w * node_.y[i];
}

QuantileGain::Side QuantileGain::side(bool left) const {
  const double weight = left ? weight_left_ : node_.weight - weight_left_;
  const double sum = left ? sum_left_ : node_.sums[0] - sum_left_;
  std::size_t at = 0;
  double below = 0, sum_below = 0;  // of the places up to `at`
  for (std::size_t step = std::bit_floor(sorted_.size()); step > 0; step /= 2) {
    const std::size_t next = at + step;
    if (next > sorted_.size()) continue;
    const double w = left ? left_w_[next] : all_w_[next] - left_w_[next];
    if (below + w >= weight * node_.level) continue;
    below += w;
    sum_below += left ? left_wy_[next] : all_wy_[next] - left_wy_[next];
    at = next;
  }
  const double middle = sorted_[std::min(at, sorted_.size() - 1)];
  return {middle,
          below_ * (middle * below - sum_below) + above_ * (sum - sum_below - middle * (weight - below))};
}

double QuantileGain::gain() const { return parent_ - side(true).distance - side(false).distance; }

}  // namespace cairn::tree
