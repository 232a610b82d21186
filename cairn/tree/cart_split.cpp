#include "cairn/tree/cart_split_internal.h"

#include <algorithm>
#include <cmath>

#include "cairn/base/index.h"
#include "cairn/tree/bins_internal.h"
#include "cairn/tree/cart_criteria_internal.h"
#include "cairn/tree/objective/objective_internal.h"

namespace cairn::tree {
namespace {

// Equal gains summed in another order differ by this much: the first one found is kept.
constexpr double kTie = 1e-10;

std::uint32_t rank_of(std::uint64_t item) { return static_cast<std::uint32_t>(item >> 32); }
std::size_t place_of(std::uint64_t item) { return static_cast<std::uint32_t>(item); }

struct Level {  // the rows of one category
  std::uint32_t code;
  std::size_t begin, end;
  double order;
};

template <class Gain>
class FeatureSearch {
 public:
  FeatureSearch(const RankedFeature& feature, std::int32_t number, const NodeRows& node,
                const CartRules& rules, CartMemory& memory)
      : feature_(feature), number_(number), node_(node), rules_(rules), memory_(memory), gain_(node) {}

  CartSplit run(Random* random, bool& constant) {
    gather();
    const auto& items = memory_.items;
    if (feature_.category || !random) sort_by_rank(memory_.items, feature_.num_ranks, memory_.other);
    std::uint32_t low = kMissingRank, high = 0;
    for (const std::uint64_t i : items) {
      low = std::min(low, rank_of(i));
      high = std::max(high, rank_of(i));
    }
    const bool one_value = items.empty() || low == high;
    constant = one_value && (items.empty() || missing_.empty());
    if (constant) return best_;
    if (feature_.category)
      categories(random);
    else if (random)
      drawn(low, high, *random);
    else
      numbers();
    return best_;
  }

 private:
  void gather() {
    memory_.items.clear();
    for (std::size_t i = 0; i < node_.rows.size(); ++i) {
      const std::uint32_t rank = feature_.ranks[node_.rows[i]];
      if (rank == kMissingRank)
        missing_.push_back(i);
      else
        memory_.items.push_back(static_cast<std::uint64_t>(rank) << 32 | i);
    }
  }

  // Whether the rows moved so far are the best left side yet.
  bool offer(std::int64_t moved, bool missing_left) {
    const std::int64_t rest = std::ssize(node_.rows) - moved;
    if (moved < rules_.min_samples_leaf || rest < rules_.min_samples_leaf || moved < 1 || rest < 1)
      return false;
    const double gain = gain_.gain();
    // Next to a huge weight the others round away: a side of no weight, or a gain that is no number.
    if (!std::isfinite(gain)) return false;
    const double tie =
        kTie *
        (std::abs(best_.gain) < INFINITY ? std::abs(best_.gain) + node_.impurity * node_.weight * kTie : 0);
    if (!(gain > best_.gain + tie) && best_.found()) return false;
    if (!(gain >= -kTie * (1 + node_.impurity * node_.weight)) || !allowed()) return false;
    best_.gain = gain;
    best_.feature = number_;
    best_.missing_left = missing_left;
    return true;
  }

  bool allowed() const {
    if (rules_.monotone.empty()) return true;
    const double l = gain_.left_value(), r = gain_.right_value();
    const auto direction = rules_.monotone[at(number_)];
    const auto inside = [&](double v) { return v >= node_.low && v <= node_.high; };
    return inside(l) && inside(r) && !(direction > 0 && l > r) && !(direction < 0 && l < r);
  }

  void begin(bool missing_left) {
    gain_.start();
    if (missing_left)
      for (const std::size_t i : missing_) gain_.move(i);
  }

  void numbers() {
    const auto& items = memory_.items;
    for (const bool missing_left : {false, true}) {
      if (missing_left && missing_.empty()) break;
      begin(missing_left);
      const std::int64_t first = missing_left ? std::ssize(missing_) : 0;
      for (std::size_t i = 0; i < items.size(); ++i) {
        gain_.move(place_of(items[i]));
        const bool last = i + 1 == items.size();
        if (!last && rank_of(items[i]) == rank_of(items[i + 1])) continue;
        if (last && (missing_left || missing_.empty())) break;
        if (!offer(first + static_cast<std::int64_t>(i) + 1, missing_left)) continue;
        best_.rank = rank_of(items[i]);
        best_.threshold =
            last ? INFINITY
                 : between_values(feature_.values[best_.rank], feature_.values[rank_of(items[i + 1])]);
        if (missing_.empty()) best_.missing_left = 2 * (i + 1) > items.size();  // with the larger side
      }
    }
  }

  void drawn(std::uint32_t low, std::uint32_t high, Random& random) {
    const auto [cut, threshold] = drawn_cut(feature_, low, high, random);
    for (const bool missing_left : {false, true}) {
      if (missing_left && (missing_.empty() || low == high)) break;
      begin(missing_left);
      std::int64_t moved = missing_left ? std::ssize(missing_) : 0;
      for (const std::uint64_t i : memory_.items) {
        if (rank_of(i) > cut) continue;
        gain_.move(place_of(i));
        ++moved;
      }
      if (!offer(moved, missing_left)) continue;
      best_.rank = cut;
      best_.threshold = threshold;
      if (missing_.empty()) best_.missing_left = 2 * moved > std::ssize(node_.rows);
    }
  }

  void find_levels() {
    const auto& items = memory_.items;
    for (std::size_t i = 0; i < items.size();) {
      std::size_t end = i + 1;
      while (end < items.size() && rank_of(items[end]) == rank_of(items[i])) ++end;
      levels_.push_back({rank_of(items[i]), i, end, 0});
      i = end;
    }
  }

  // Share of `label`, or the mean of y, among the rows of a level.
  double order_of(const Level& level, std::int32_t label) const {
    double sum = 0, weight = 0;
    for (std::size_t i = level.begin; i < level.end; ++i) {
      const std::size_t row = place_of(memory_.items[i]);
      const double w = node_.w.empty() ? 1 : node_.w[row];
      sum += w * (node_.num_classes == 0 ? node_.y[row] : node_.labels[row] == label ? 1 : 0);
      weight += w;
    }
    return sum / weight;
  }

  void move_level(const Level& level) {
    for (std::size_t i = level.begin; i < level.end; ++i) gain_.move(place_of(memory_.items[i]));
  }

  void take_levels(std::size_t first, std::size_t end) {
    best_.category = true;
    best_.left_codes.clear();
    for (std::size_t l = first; l < end; ++l)
      best_.left_codes.push_back(static_cast<std::int32_t>(levels_[l].code));
    std::ranges::sort(best_.left_codes);
  }

  // Prefixes of the levels as they stand; the last one asks only whether there is a level.
  void prefixes() {
    for (const bool missing_left : {false, true}) {
      if (missing_left && missing_.empty()) break;
      begin(missing_left);
      std::int64_t moved = missing_left ? std::ssize(missing_) : 0;
      const std::size_t last = levels_.size() - (missing_left || missing_.empty() ? 1 : 0);
      for (std::size_t l = 0; l < last; ++l) {
        move_level(levels_[l]);
        moved += static_cast<std::int64_t>(levels_[l].end - levels_[l].begin);
        if (offer(moved, missing_left)) take_levels(0, l + 1);
      }
    }
  }

  void categories(Random* random) {
    find_levels();
    if (random) {  // every level on a drawn side
      for (std::size_t l = levels_.size(); l > 1; --l) std::swap(levels_[l - 1], levels_[random->below(l)]);
      const std::size_t count = levels_.size() < 2 ? 1 : 1 + random->below(levels_.size() - 1);
      begin(false);
      std::int64_t moved = 0;
      for (std::size_t l = 0; l < count; ++l) {
        move_level(levels_[l]);
        moved += static_cast<std::int64_t>(levels_[l].end - levels_[l].begin);
      }
      if (offer(moved, false)) take_levels(0, count);
      return;
    }
    if (node_.num_classes <= 2) {
      sort_levels(1);
      prefixes();
    } else if (std::ssize(levels_) <= rules_.max_one_hot) {
      for (std::size_t l = 0; l < levels_.size(); ++l) {
        if (levels_.size() == 1 && missing_.empty()) break;
        begin(false);
        move_level(levels_[l]);
        if (offer(static_cast<std::int64_t>(levels_[l].end - levels_[l].begin), false)) take_levels(l, l + 1);
      }
    } else {
      for (std::int32_t label = 0; label < node_.num_classes; ++label) {
        if (node_.sums[at(label)] == 0) continue;
        sort_levels(label);
        prefixes();
      }
    }
  }

  void sort_levels(std::int32_t label) {
    for (Level& l : levels_) l.order = order_of(l, label);
    std::ranges::stable_sort(levels_, [](const Level& a, const Level& b) {
      return a.order < b.order || (a.order == b.order && a.code < b.code);
    });
  }

  const RankedFeature& feature_;
  const std::int32_t number_;
  const NodeRows& node_;
  const CartRules& rules_;
  CartMemory& memory_;
  Gain gain_;
  std::vector<std::size_t> missing_;
  std::vector<Level> levels_;
  CartSplit best_;
};

double half_deviance(const NodeRows& node) {  // of Poisson counts from their mean, times weight
  const double mean = node.sums[0] / node.weight;
  double sum = 0;
  for (std::size_t i = 0; i < node.y.size(); ++i) {
    const double w = node.w.empty() ? 1 : node.w[i], y = node.y[i];
    sum += w * ((y > 0 ? y * std::log(y / mean) : 0) - y + mean);
  }
  return sum;
}

double quantile_of(const NodeRows& node) { return weighted_quantile(node.y, node.w, node.level); }

// The mean distance from a quantile, those above it counted by its level and those below by the rest.
double pinball(const NodeRows& node, double middle) {
  double sum = 0;
  for (std::size_t i = 0; i < node.y.size(); ++i) {
    const double away = node.y[i] - middle;
    sum += (node.w.empty() ? 1 : node.w[i]) * std::max(node.level * away, (node.level - 1) * away);
  }
  return sum / node.weight;
}

double variance(const NodeRows& node) {
  const double mean = node.sums[0] / node.weight;
  double sum = 0;
  for (std::size_t i = 0; i < node.y.size(); ++i)
    sum += (node.w.empty() ? 1 : node.w[i]) * (node.y[i] - mean) * (node.y[i] - mean);
  return sum / node.weight;
}

}  // namespace

bool CartSplit::goes_left(std::uint32_t r) const {
  if (r == kMissingRank) return missing_left;
  if (!category) return r <= rank;
  return std::binary_search(left_codes.begin(), left_codes.end(), static_cast<std::int32_t>(r));
}

void summarise(NodeRows& node, Criterion criterion) {
  const std::size_t n = node.rows.size();
  node.weight = 0;
  node.sums.assign(at(std::max<std::int64_t>(node.num_classes, 1)), 0.0);
  for (std::size_t i = 0; i < n; ++i) {
    const double w = node.w.empty() ? 1 : node.w[i];
    node.weight += w;
    if (node.num_classes > 0)
      node.sums[at(node.labels[i])] += w;
    else
      node.sums[0] += w * node.y[i];
  }
  if (criterion == Criterion::gini) {
    node.impurity = gini(node.sums);
  } else if (criterion == Criterion::entropy) {
    node.impurity = entropy(node.sums);
  } else if (const auto [low, high] = std::ranges::minmax(node.y); low == high) {
    node.impurity = 0;
  } else if (criterion == Criterion::poisson) {
    node.impurity = node.sums[0] > 0 ? half_deviance(node) / node.weight : 0;
  } else if (criterion == Criterion::squared) {
    node.impurity = variance(node);
  } else {
    node.impurity = (criterion == Criterion::absolute ? 2 : 1) * pinball(node, quantile_of(node));
  }
}

std::vector<double> leaf_answer(const NodeRows& node, Criterion criterion) {
  if (node.num_classes == 0) {
    const bool ordered = criterion == Criterion::absolute || criterion == Criterion::quantile;
    const double value = ordered ? quantile_of(node) : node.sums[0] / node.weight;
    return {std::clamp(value, node.low, node.high)};
  }
  std::vector<double> shares = node.sums;
  for (double& s : shares) s /= node.weight;
  return shares;
}

CartSplit best_cart_split(const RankedData& data, std::int32_t feature, const NodeRows& node,
                          const CartRules& rules, Random* random, CartMemory& memory, bool& constant) {
  if (!node.packed.empty() && !random && !data.feature(feature).category &&
      rules.criterion == Criterion::gini && rules.monotone.empty())
    return two_class_split(data.feature(feature), feature, node, rules, memory, constant);
  const auto with = [&]<class Gain>() {
    return FeatureSearch<Gain>(data.feature(feature), feature, node, rules, memory).run(random, constant);
  };
  switch (rules.criterion) {
    case Criterion::gini:
      return with.template operator()<GiniGain>();
    case Criterion::entropy:
      return with.template operator()<EntropyGain>();
    case Criterion::squared:
      return with.template operator()<SquaredGain>();
    case Criterion::absolute:
      return with.template operator()<AbsoluteGain>();
    case Criterion::poisson:
      return with.template operator()<PoissonGain>();
    case Criterion::quantile:
      return with.template operator()<QuantileGain>();
  }
  return {};
}

}  // namespace cairn::tree
