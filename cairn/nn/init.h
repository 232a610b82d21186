// How parameters are drawn at first.
#pragma once

#include <string>

#include "cairn/base/params.h"
#include "cairn/nn/module.h"

namespace cairn {

// fan_in and fan_out are how many numbers meet in one output and go out from one input: the sides of a
// matrix, times the window of a convolution.
struct Fans {
  std::int64_t in = 1, out = 1;
};
// Of a weight [out, in] or [out, Kh, Kw, in].
Fans fans_of(const Shape& weight);

namespace init {

// Named by what they do. Xavier: variance 2 / (fan_in + fan_out) (Glorot, Bengio: Understanding the
// difficulty of training deep feedforward neural networks; 2010). He: variance 2 / fan_in (He, Zhang, Ren,
// Sun: Delving deep into rectifiers; 2015).
Parameter::Draw zeros();
Parameter::Draw constant(double value);
Parameter::Draw normal(double stddev, double mean = 0);
Parameter::Draw uniform(double low, double high);
Parameter::Draw xavier_normal(double gain = 1);
Parameter::Draw xavier_uniform(double gain = 1);
Parameter::Draw he_normal();
Parameter::Draw he_uniform();
// Rows or columns of length gain at right angles, from a normal draw (Saxe, McClelland, Ganguli: Exact
// solutions to the nonlinear dynamics of learning in deep linear neural networks; 2014).
Parameter::Draw orthogonal(double gain = 1);
// By its name; `scale` is the gain, the standard deviation, the bound or the constant.
Parameter::Draw named(const std::string& name, double scale = 1);
ParamRule rule();  // the names

}  // namespace init

// Layer-sequential unit variance: scales each weight, in the order of the network, until what its layer gives
// for this batch has variance 1 (Mishkin, Matas: All you need is a good init; 2016). `forward` runs the
// network on the batch. Weights whose layer gives nothing that varies stay as they are.
void lsuv(ModuleRef net, const std::function<Tensor()>& forward, double tolerance = 0.02, int max_iter = 10);

}  // namespace cairn
