#include "cairn/builtin/registry.h"

#include "cairn/baseline/baseline_list.h"
#include "cairn/data/csv.h"
#include "cairn/data/transforms.h"
#include "cairn/linear/gradient_descent.h"
#include "cairn/linear/logistic_list.h"
#include "cairn/linear/regression_list.h"
#include "cairn/linear/sgd.h"
#include "cairn/readers/reader_list.h"
#include "cairn/train/cnn.h"
#include "cairn/train/mlp.h"
#include "cairn/tree/tree_list.h"

namespace cairn {
namespace {

template <class Entry, class List>
void append(std::vector<Entry>& to, const List& entries) {
  to.insert(to.end(), entries.begin(), entries.end());
}

Registry make() {
  Registry r;
  append(r.learners, baseline_learners());
  append(r.learners, linear_regressions());
  append(r.learners, logistic_regressions());
  r.learners.push_back(gradient_descent_entry());
  append(r.learners, tree_learners());
  r.learners.push_back(mlp_entry());
  r.learners.push_back(cnn_entry());
  for (const TransformEntry& t : data_transforms()) r.transforms.push_back(t);
  r.readers.push_back(kCsvReader);  // first: what is left when no other knows the content
  append(r.readers, file_readers());
  for (const LossEntry& e : sgd_losses()) r.losses.push_back(e);
  return r;
}

}  // namespace

const Registry& builtin_registry() {
  static const Registry registry = make();
  return registry;
}

}  // namespace cairn
