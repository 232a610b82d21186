#include "recipes/networks.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <nlohmann/json.hpp>

#include "cairn/data/summary.h"
#include "cairn/ops/elementwise.h"
#include "cairn/ops/loss.h"
#include "cairn/ops/reduce.h"
#include "cairn/ops/shape_ops.h"
#include "cairn/readers/hdf5.h"
#include "recipes/planar.h"

namespace cairn::recipes {

Examples rows_of(const Examples& all, std::span<const std::int64_t> rows) {
  const Tensor index = Tensor::from(std::vector<std::int64_t>(rows.begin(), rows.end()));
  return {index_select(all.x, index), index_select(all.y, index)};
}

Examples first_rows(const Examples& all, std::int64_t count) {
  return {all.x.slice(0, 0, count), all.y.slice(0, 0, count)};
}

Network dense_network(const std::vector<std::int64_t>& sizes, const std::string& activation) {
  Json layers = Json::array();
  for (std::size_t i = 1; i < sizes.size(); ++i) {
    layers.push_back({{"layer", "linear"}, {"out", sizes[i]}});
    if (i + 1 < sizes.size()) layers.push_back(activation);
  }
  Network net = Network::parse(Json{{"input", {sizes[0]}}, {"layers", std::move(layers)}}.dump());
  convert(net, DType::f64);
  return net;
}

void draw(ModuleRef net, std::uint32_t seed, double (*scale)(double inputs)) {
  numpy::RandomState random(seed);
  for (const NamedParameter& p : parameters(net)) {
    const Shape shape = p.parameter->shape();
    p.parameter->set(p.name.ends_with("weight") ? randn(random, shape, scale(static_cast<double>(shape[1])))
                                                : Tensor::zeros(shape, DType::f64));
  }
}

double hundredth(double) { return 0.01; }
double he_scale(double inputs) { return std::sqrt(2 / inputs); }
double root_scale(double inputs) { return 1 / std::sqrt(inputs); }

std::vector<double> descend_by(const Logits& logits, ModuleRef net, Optimizer& optimizer,
                               const Examples& data, int steps, int every) {
  std::vector<double> costs;
  for (int i = 0; i < steps; ++i) {
    const Tensor cost = bce_with_logits(logits(data.x), data.y);
    if (i % every == 0) costs.push_back(cost.item());
    optimizer.step(backward(cost, net));
  }
  return costs;
}

Tensor from_0_to_1(const Tensor& x) { return x.dtype() == DType::u8 ? x.to(DType::f32) / 255.0 : x; }

std::vector<Wrong> wrong_by(const Logits& logits, const Examples& data) {
  constexpr std::int64_t kAtOnce = 500;
  std::vector<Wrong> wrong;
  for (std::int64_t begin = 0; begin < data.x.size(0); begin += kAtOnce) {
    const std::int64_t end = std::min(data.x.size(0), begin + kAtOnce);
    const Tensor z = logits(from_0_to_1(data.x.slice(0, begin, end)));
    const bool one = z.size(1) == 1;
    const Tensor decided = one ? z : argmax(z, 1);
    for (std::int64_t row = begin; row < end; ++row) {
      const std::int64_t i = row - begin,
                         said = one ? decided.item({i, 0}) > 0 : static_cast<std::int64_t>(decided.item({i}));
      const auto is = static_cast<std::int64_t>(one ? data.y.item({row, 0}) : data.y.item({row}));
      if (said != is) wrong.push_back({row, is, said});
    }
  }
  return wrong;
}

std::string listed(std::span<const Wrong> wrong, std::size_t most) {
  std::vector<std::int64_t> rows;
  for (const Wrong& w : wrong.first(std::min(most, wrong.size()))) rows.push_back(w.row);
  return fmt::format("{}{}", fmt::join(rows, ", "), rows.size() < wrong.size() ? ", ..." : "");
}

Album wrong_album(std::string title, std::span<const Wrong> wrong,
                  const std::function<Tensor(std::int64_t row)>& picture_of, std::size_t most,
                  std::span<const char* const> names) {
  Album album{
      .title = std::move(title), .about = "Below each its class and what it was taken for.", .pictures = {}};
  const auto name = [&](std::int64_t c) {
    return names.empty() ? fmt::format("{}", c) : names[static_cast<std::size_t>(c)];
  };
  for (const Wrong& w : wrong.first(std::min(most, wrong.size())))
    album.pictures.push_back({picture_of(w.row), fmt::format("{}, taken for {}", name(w.is), name(w.said))});
  return album;
}

Examples pictures_in(const std::string& hdf5_file, const std::string& part) {
  const Tensor labels = hdf5_array(hdf5_file, part + "_set_y");
  return {hdf5_array(hdf5_file, part + "_set_x"), labels.reshape({labels.size()}).to(DType::i64)};
}

Series loss_line(const std::string& name, std::span<const double> losses, double every) {
  Series line{.name = name};
  for (std::size_t i = 0; i < losses.size(); ++i)
    line.points.emplace_back(every * static_cast<double>(i), losses[i]);
  return line;
}

double median(std::span<const double> values) { return quantiles(values, std::array{0.5})[0]; }

Tensor picture_at(const Tensor& pictures, std::int64_t row) {
  const Tensor one = pictures.slice(0, row, row + 1).contiguous();
  const Tensor flat = one.reshape({one.size(1), one.size(2), one.size(3)});
  return flat.dtype() == DType::u8 ? flat : round(clip(flat, 0, 1) * 255.0).to(DType::u8);
}

Tensor shades(const Tensor& numbers) {
  const Tensor wide = numbers.detach().to(DType::f64).contiguous();
  const double low = min(wide).item(), high = max(wide).item();
  return round((wide - low) * (high > low ? 255 / (high - low) : 0)).to(DType::u8);
}

Album filters_album(const Tensor& weight) {
  Album album{.title = "What the first layer looks for",
              .about =
                  "Each window of weights that is slid over the picture, from its smallest weight, black, to "
                  "its largest.",
              .pictures = {}};
  for (std::int64_t f = 0; f < weight.size(0); ++f)
    album.pictures.push_back({shades(weight.detach()
                                         .slice(0, f, f + 1)
                                         .contiguous()
                                         .reshape({weight.size(1), weight.size(2), weight.size(3)})),
                              ""});
  return album;
}

}  // namespace cairn::recipes
