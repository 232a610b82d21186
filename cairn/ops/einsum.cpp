#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>

#include "cairn/base/error.h"
#include "cairn/ops/elementwise.h"
#include "cairn/ops/matmul.h"
#include "cairn/ops/reduce.h"
#include "cairn/ops/shape_ops.h"

namespace cairn {
namespace {

struct Term {
  std::string names;  // one letter an axis
  Tensor value;
};

bool has(const std::string& names, char c) { return names.find(c) != std::string::npos; }

Term arranged(const Term& t, const std::string& order) {  // axes in this order
  if (t.names == order) return t;
  AxisList axes;
  for (const char c : order) axes.push_back(static_cast<int>(t.names.find(c)));
  return {order, permute(t.value, axes)};
}

Term sum_unneeded(const Term& t, const std::string& needed) {
  AxisList axes;
  std::string left;
  for (std::size_t i = 0; i < t.names.size(); ++i) {
    if (has(needed, t.names[i]))
      left += t.names[i];
    else
      axes.push_back(static_cast<int>(i));
  }
  return axes.count() ? Term{left, sum(t.value, axes)} : t;
}

// Two terms into one: names of both that are needed are batches, those that are not are summed by the
// product.
Term product(Term a, Term b, const std::string& needed) {
  a = sum_unneeded(a, needed + b.names);
  b = sum_unneeded(b, needed + a.names);
  std::string batch, left, inner, right;
  for (const char c : a.names) (!has(b.names, c) ? left : has(needed, c) ? batch : inner) += c;
  for (const char c : b.names)
    if (!has(a.names, c)) right += c;
  a = arranged(a, batch + left + inner);
  b = arranged(b, batch + inner + right);
  std::int64_t sizes[4] = {1, 1, 1, 1};  // of batch, left, inner, right
  SmallVector<std::int64_t, 8> dims;
  const auto length = [&](char c) {
    const std::size_t at = a.names.find(c);
    return at != std::string::npos ? a.value.size(static_cast<int>(at))
                                   : b.value.size(static_cast<int>(b.names.find(c)));
  };
  const std::string* const groups[4] = {&batch, &left, &inner, &right};
  for (std::size_t g = 0; g < 4; ++g)
    for (const char c : *groups[g]) sizes[g] *= length(c);
  for (const std::string* const group : {&batch, &left, &right})
    for (const char c : *group) dims.push_back(length(c));
  const Tensor y = matmul(a.value.reshape({sizes[0], sizes[1], sizes[2]}),
                          b.value.reshape({sizes[0], sizes[2], sizes[3]}));
  std::string names = batch;
  names += left;
  names += right;
  return {std::move(names), y.reshape(Shape(std::span<const std::int64_t>(dims.data(), dims.size())))};
}

}  // namespace

Tensor einsum(std::string_view formula, std::span<const Tensor> inputs) {
  std::string text;
  for (const char c : formula)
    if (c != ' ') text += c;
  const std::size_t arrow = text.find("->");
  const std::string left = text.substr(0, arrow);
  std::vector<Term> terms(1);
  for (const char c : left) {
    if (c == ',')
      terms.emplace_back();
    else if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
      terms.back().names += c;
    else
      throw UsageError("einsum", fmt::format("'{}' in '{}' names no axis; letters do", c, formula));
  }
  if (terms.size() != inputs.size())
    throw ShapeError("einsum", fmt::format("'{}' speaks of {} tensors and {} are given", formula,
                                           terms.size(), inputs.size()));
  std::map<char, std::int64_t> lengths;
  std::map<char, int> times;
  for (std::size_t k = 0; k < terms.size(); ++k) {
    Term& t = terms[k];
    t.value = inputs[k];
    if (!t.value.defined() || t.value.ndim() != static_cast<int>(t.names.size()))
      throw ShapeError("einsum",
                       fmt::format("'{}' names {} axes and tensor {} is {}", t.names, t.names.size(), k + 1,
                                   t.value.defined() ? t.value.text() : "undefined"));
    for (std::size_t i = 0; i < t.names.size(); ++i) {
      const char c = t.names[i];
      if (t.names.find(c) != i)
        throw NotSupported("einsum",
                           fmt::format("'{}' stands twice in '{}'; diagonals are not taken", c, t.names));
      const std::int64_t n = t.value.size(static_cast<int>(i));
      const auto [at, is_new] = lengths.try_emplace(c, n);
      if (!is_new && at->second != n)
        throw ShapeError("einsum", fmt::format("'{}' is {} long and {} long", c, at->second, n));
      ++times[c];
    }
  }
  std::string result;
  if (arrow == std::string::npos) {
    for (const auto& [c, n] : times)
      if (n == 1) result += c;
  } else {
    result = text.substr(arrow + 2);
    for (std::size_t i = 0; i < result.size(); ++i)
      if (!lengths.contains(result[i]) || result.find(result[i]) != i)
        throw ShapeError("einsum",
                         fmt::format("'{}' of the result must be the name of an axis, once", result[i]));
  }
  Term total = terms[0];
  for (std::size_t k = 1; k < terms.size(); ++k) {
    std::string needed = result;
    for (std::size_t later = k + 1; later < terms.size(); ++later) needed += terms[later].names;
    total = product(total, terms[k], needed);
  }
  return arranged(sum_unneeded(total, result), result).value;
}

Tensor einsum(std::string_view formula, std::initializer_list<Tensor> inputs) {
  return einsum(formula, std::span<const Tensor>(inputs.begin(), inputs.size()));
}

}  // namespace cairn
