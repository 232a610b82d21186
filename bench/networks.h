// The networks of rows N2 to N8, by name.
#pragma once

#include <string>
#include <vector>

#include "cairn/base/error.h"
#include "cairn/nn/activation.h"
#include "cairn/nn/conv.h"
#include "cairn/nn/linear.h"
#include "cairn/nn/norm.h"
#include "cairn/nn/sequential.h"

namespace cairn::bench {

inline Sequential dense(const std::vector<std::int64_t>& sizes) {
  Sequential net;
  for (std::size_t i = 1; i < sizes.size(); ++i) {
    net.push_back(Linear({.in = sizes[i - 1], .out = sizes[i]}));
    if (i + 1 < sizes.size()) net.push_back(Relu());
  }
  return net;
}

inline Conv2d conv3x3(std::int64_t in, std::int64_t out, std::int64_t stride = 1) {
  return Conv2d({.in = in, .out = out, .kernel = 3, .stride = stride, .padding = "1", .bias = false});
}

// He, Zhang, Ren, Sun 2016, section 4.2, n = 3; where the shape changes, a 1 x 1 convolution is the shortcut.
inline Sequential resnet20() {
  Sequential net{conv3x3(3, 16), BatchNorm({.channels = 16}), Relu()};
  std::int64_t channels = 16;
  for (const std::int64_t out : {16, 32, 64})
    for (int block = 0; block < 3; ++block) {
      const std::int64_t stride = out != channels ? 2 : 1;
      Sequential body{conv3x3(channels, out, stride), BatchNorm({.channels = out}), Relu(), conv3x3(out, out),
                      BatchNorm({.channels = out})};
      if (stride == 1) {
        net.push_back(Residual(body));
      } else {
        net.push_back(Residual(
            body,
            Sequential{Conv2d({.in = channels, .out = out, .kernel = 1, .stride = stride, .bias = false}),
                       BatchNorm({.channels = out})}));
      }
      net.push_back(Relu());
      channels = out;
    }
  net.push_back(GlobalAveragePool2d());
  net.push_back(Linear({.in = 64, .out = 10}));
  return net;
}

struct Task {
  Sequential net;
  Shape sample;
  std::int64_t classes = 0;  // 0: one number, squared error
};

inline Task task_named(const std::string& name) {
  if (name == "n2") return {dense({2, 25, 15, 1}), {2}, 0};
  if (name == "n3") return {dense({8, 64, 64, 4}), {8}, 4};
  if (name == "n4") return {dense({784, 512, 256, 10}), {784}, 10};
  if (name == "n5")
    return {
        Sequential{Conv2d({.in = 1, .out = 32}), Relu(), Conv2d({.in = 32, .out = 64}), Relu(), MaxPool2d(),
                   Flatten(), Linear({.in = 9216, .out = 128}), Relu(), Linear({.in = 128, .out = 10})},
        {28, 28, 1},
        10};
  if (name == "n6") return {resnet20(), {32, 32, 3}, 10};
  throw UsageError("network", "'" + name + "' is none of n2, n3, n4, n5, n6");
}

}  // namespace cairn::bench
