#include "cairn/nn/sequential.h"

#include <fmt/format.h>

#include <algorithm>

#include "cairn/base/error.h"
#include "cairn/nn/activation.h"
#include "cairn/nn/beside_internal.h"
#include "cairn/tensor/apply.h"

namespace cairn {

Sequential::Sequential(std::vector<Member> members) : Module("Sequential") {
  for (Member& m : members) push_back(std::move(m));
}

void Sequential::push_back(Member member) {
  if (member.name.empty()) member.name = std::to_string(members_.size());
  if (std::ranges::any_of(members_, [&](const Member& m) { return m.name == member.name; }))
    throw UsageError("sequential", fmt::format("two members are called '{}'", member.name));
  members_.push_back(std::move(member));
  parameters(*this);  // names the new member
}

bool Sequential::finishes(bool with_residual) const {
  return !members_.empty() && members_.back().layer.finishes(with_residual);
}

// A rectifier runs in the same pass as the layer before it where that can.
Tensor Sequential::operator()(const Tensor& x, const Finish& finish) const {
  const bool apart = observed();
  Tensor y = x;
  for (std::size_t i = 0; i < members_.size(); ++i) {
    const Layer& layer = members_[i].layer;
    if (i + 1 == members_.size()) return layer(y, finish);
    const bool with_next =
        !apart && layer.finishes(false) && std::string_view(members_[i + 1].layer.kind()) == Relu::kName;
    y = with_next ? layer(y, Finish{.relu = true}) : layer(y);
    i += with_next ? 1 : 0;
  }
  return layer_detail::finished(y, finish);
}

void Sequential::visit(Visitor& v) {
  v.module(*this);
  for (Member& m : members_) v.child(m.name, m.layer);
}

void layer_detail::check_beside(const std::string& where, const Tensor& body, const Tensor& beside) {
  if (body.shape() == beside.shape()) return;
  throw ShapeError(where,
                   fmt::format("the body gives {} beside {}; both must be alike", body.text(), beside.text()),
                   "Give a shortcut layer that changes the shape as the body does.");
}

Residual::Residual(Layer body) : Module("Residual"), body_(std::move(body)) { parameters(*this); }
Residual::Residual(Layer body, Layer shortcut) : Module("Residual"), body_(std::move(body)) {
  shortcut_.push_back(std::move(shortcut));
  parameters(*this);
}

Tensor Residual::operator()(const Tensor& x, const Finish& finish) const {
  const Tensor beside = shortcut_.empty() ? x : shortcut_[0](x);
  // The layer that adds `beside` in its own pass looks at the shapes itself, before it computes.
  if (!observed() && body_.finishes(true)) return body_(x, {.residual = beside, .relu = finish.relu});
  const Tensor y = body_(x);
  const ModuleScope here = scope();
  layer_detail::check_beside(place()->text(), y, beside);
  return layer_detail::finished(y, {.residual = beside, .relu = finish.relu});
}

void Residual::visit(Visitor& v) {
  v.module(*this);
  v.child("body", body_);
  if (!shortcut_.empty()) v.child("shortcut", shortcut_[0]);
}

}  // namespace cairn
