#include "cairn/nn/sequential.h"

#include <fmt/format.h>

#include <algorithm>

#include "cairn/base/error.h"
#include "cairn/ops/elementwise.h"

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

Tensor Sequential::operator()(const Tensor& x) const {
  Tensor y = x;
  for (const Member& m : members_) y = m.layer(y);
  return y;
}

void Sequential::visit(Visitor& v) {
  v.module(*this);
  for (Member& m : members_) v.child(m.name, m.layer);
}

Residual::Residual(Layer body) : Module("Residual"), body_(std::move(body)) { parameters(*this); }
Residual::Residual(Layer body, Layer shortcut) : Module("Residual"), body_(std::move(body)) {
  shortcut_.push_back(std::move(shortcut));
  parameters(*this);
}

Tensor Residual::operator()(const Tensor& x) const {
  const Tensor y = body_(x), beside = shortcut_.empty() ? x : shortcut_[0](x);
  const ModuleScope here = scope();
  if (!(y.shape() == beside.shape()))
    throw ShapeError(place()->text(),
                     fmt::format("the body gives {} beside {}; both must be alike", y.text(), beside.text()),
                     "Give a shortcut layer that changes the shape as the body does.");
  return beside + y;
}

void Residual::visit(Visitor& v) {
  v.module(*this);
  v.child("body", body_);
  if (!shortcut_.empty()) v.child("shortcut", shortcut_[0]);
}

}  // namespace cairn
