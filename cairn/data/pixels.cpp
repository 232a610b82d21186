#include "cairn/data/pixels.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "cairn/base/parallel.h"
#include "cairn/data/transform_columns_internal.h"
#include "cairn/data/transforms.h"

namespace cairn {
namespace {

// image[3,5] or, with colours, image[3,5,red].
std::vector<std::string> names_of_pixels(const std::string& column, std::int64_t height, std::int64_t width,
                                         std::int64_t channels) {
  constexpr const char* kColours[] = {"red", "green", "blue"};
  std::vector<std::string> names;
  for (std::int64_t y = 0; y < height; ++y)
    for (std::int64_t x = 0; x < width; ++x)
      for (std::int64_t c = 0; c < channels; ++c)
        names.push_back(channels == 1 ? fmt::format("{}[{},{}]", column, y, x)
                                      : fmt::format("{}[{},{},{}]", column, y, x, kColours[c]));
  return names;
}

Column numbers_of(const Column& c, const PixelScaling& scaling) {
  const Tensor& pixels = c.values();
  const std::int64_t n = c.size(), d = pixels.size(1) * pixels.size(2) * pixels.size(3);
  return Column::features(c.name(), Matrix::from_rows(scaling.apply(pixels).reshape({n, d})),
                          names_of_pixels(c.name(), pixels.size(1), pixels.size(2), pixels.size(3)));
}

class FittedPixels : public FittedTransform {
 public:
  std::string_view kind() const override { return Pixels::kName; }
  void visit(Visitor& v) override {
    v.value("columns", names);
    v.optional("means", means);
    // One or three a column, so their number less the columns' is even.
    const std::size_t n = names.size(), m = means.size();
    const bool counted = m == 0 || (m >= n && m <= 3 * n && (m - n) % 2 == 0);
    if (v.loading() && !(counted && std::ranges::all_of(means, [](double x) { return std::isfinite(x); })))
      throw ModelFileError(
          Pixels::kName,
          fmt::format("{} columns have {} means of channels, of which {} are numbers; 1 or 3 a column were "
                      "expected",
                      n, m, std::ranges::count_if(means, [](double x) { return std::isfinite(x); })));
  }
  std::string describe() const override {
    if (names.empty()) return "pixels: no column of pictures";
    return fmt::format("pixels of {} column{} ({}), {}", names.size(), names.size() == 1 ? "" : "s",
                       transform_detail::shortened(names.size(), [&](std::size_t i) { return names[i]; }),
                       means.empty() ? "divided by 255" : "divided by 255, each channel less its mean");
  }
  Table apply(const Table& features) const override {
    const auto at = transform_detail::find_all(features, names, {ColumnKind::image}, kind());
    std::vector<std::vector<Column>> in_place;
    in_place.reserve(at.size());
    std::size_t next = 0;
    for (const std::size_t i : at) {
      const Column& c = features.columns()[i];
      in_place.push_back({numbers_of(c, scaling_of(c, next))});
    }
    if (next < means.size())
      throw DataError(Pixels::kName,
                      fmt::format("the model was fitted on pictures of {} channels in all; these have "
                                  "{}",
                                  means.size(), next));
    return transform_detail::replace(features, at, std::move(in_place), {}, kind());
  }

  std::vector<std::string> names;
  std::vector<double> means;  // of every channel, column after column; empty: none is taken away

 private:
  // The next column's share of them.
  PixelScaling scaling_of(const Column& c, std::size_t& next) const {
    const std::int64_t channels = c.values().size(3);
    if (means.empty()) return PixelScaling::none(channels);
    PixelScaling s;
    for (; std::ssize(s.means) < channels && next < means.size(); ++next) s.means.push_back(means[next]);
    s.deviations.assign(s.means.size(), 1);
    if (!s.fits(channels))
      throw DataError(
          fmt::format("column '{}'", c.name()),
          fmt::format("has pictures of {} channels; those that the model was fitted on had others",
                      channels));
    return s;
  }
};

}  // namespace

PixelScaling PixelScaling::of(const Tensor& pixels) {
  constexpr std::int64_t kBlock = 256;
  const auto channels = static_cast<std::size_t>(pixels.size(3));
  const std::int64_t picture = pixels.size(1) * pixels.size(2) * pixels.size(3);
  const Tensor whole = pixels.contiguous();
  const auto all = whole.data<std::uint8_t>();
  struct Sums {
    std::array<std::uint64_t, 3> sum{}, squares{};
  };
  const Sums sums = parallel_reduce<Sums>(
      pixels.size(0), kBlock,
      [&](std::int64_t begin, std::int64_t end) {
        Sums s;
        for (auto i = static_cast<std::size_t>(begin * picture); i < static_cast<std::size_t>(end * picture);
             ++i) {
          s.sum[i % channels] += all[i];
          s.squares[i % channels] += static_cast<std::uint64_t>(all[i]) * all[i];
        }
        return s;
      },
      [](Sums& into, const Sums& other) {
        for (std::size_t c = 0; c < 3; ++c) into.sum[c] += other.sum[c], into.squares[c] += other.squares[c];
      });
  PixelScaling scaling;
  const double count = static_cast<double>(all.size()) / static_cast<double>(channels);
  for (std::size_t c = 0; c < channels; ++c) {
    const double mean = static_cast<double>(sums.sum[c]) / count / 255;
    const double variance = static_cast<double>(sums.squares[c]) / count / (255.0 * 255) - mean * mean;
    scaling.means.push_back(mean);
    scaling.deviations.push_back(variance > 1e-6 ? std::sqrt(variance)
                                                 : 1);  // one colour everywhere stays at 0
  }
  return scaling;
}

Tensor PixelScaling::apply(const Tensor& pixels) const {
  Tensor numbers = Tensor::empty(pixels.shape(), DType::f32);
  const Tensor whole = pixels.contiguous();
  const auto from = whole.data<std::uint8_t>();
  auto to = numbers.mutable_data<float>();
  const std::size_t channels = means.size();
  std::array<std::array<float, 256>, 3> table{};
  for (std::size_t c = 0; c < channels; ++c)
    for (std::size_t v = 0; v < 256; ++v)
      table[c][v] = static_cast<float>((static_cast<double>(v) / 255 - means[c]) / deviations[c]);
  constexpr std::int64_t kGrain = 3 * (1 << 14);  // whole pixels of either kind
  parallel_for(pixels.size(), kGrain, [&](std::int64_t begin, std::int64_t end) {
    for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end);)
      for (std::size_t c = 0; c < channels; ++c, ++i) to[i] = table[c][from[i]];
  });
  return numbers;
}

PixelScaling PixelScaling::none(std::int64_t channels) {
  const auto n = static_cast<std::size_t>(channels);
  return {std::vector<double>(n, 0), std::vector<double>(n, 1)};
}

bool PixelScaling::fits(std::int64_t channels) const {
  return std::ssize(means) == channels && std::ssize(deviations) == channels &&
         std::ranges::all_of(means, [](double m) { return std::isfinite(m); }) &&
         std::ranges::all_of(deviations, [](double d) { return std::isfinite(d) && d > 0; });
}

const ParamList& PixelsParams::list() {
  static const ParamList l{
      param<&PixelsParams::columns>(
          "columns", "one column to act on; may be repeated; default: every column of pictures"),
      param<&PixelsParams::centre>("centre", "each channel less its mean over the training pictures")};
  return l;
}

std::unique_ptr<FittedTransform> Pixels::fit(const Dataset& data, const TransformContext&) const {
  auto fitted = std::make_unique<FittedPixels>();
  const Table features = data.features();
  fitted->names = transform_detail::choose(features, params_.columns, {ColumnKind::image}, kName);
  if (!params_.centre || data.num_rows() == 0) return fitted;
  for (const std::string& name : fitted->names) {
    const PixelScaling s = PixelScaling::of(features.column(name).values());
    fitted->means.insert(fitted->means.end(), s.means.begin(), s.means.end());
  }
  return fitted;
}

TransformEntry pixels_entry() {
  return transform_entry<Pixels>(
      "pictures as numbers, one a pixel and channel: from 0 to 1, or of mean 0",
      []() -> std::unique_ptr<FittedTransform> { return std::make_unique<FittedPixels>(); });
}

}  // namespace cairn
