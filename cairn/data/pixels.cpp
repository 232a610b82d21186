#include "cairn/data/pixels.h"

#include <fmt/format.h>

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

Column numbers_of(const Column& c) {
  const Tensor& pixels = c.values();
  const std::int64_t n = c.size(), d = pixels.size(1) * pixels.size(2) * pixels.size(3);
  Tensor values = Tensor::empty({n, d}, DType::f32);
  const auto from = pixels.data<std::uint8_t>();
  auto to = values.mutable_data<float>();
  parallel_for(n * d, 1 << 16, [&](std::int64_t begin, std::int64_t end) {
    for (auto i = static_cast<std::size_t>(begin); i < static_cast<std::size_t>(end); ++i)
      to[i] = static_cast<float>(from[i]) / 255.0F;
  });
  return Column::features(c.name(), Matrix::from_rows(values),
                          names_of_pixels(c.name(), pixels.size(1), pixels.size(2), pixels.size(3)));
}

class FittedPixels : public FittedTransform {
 public:
  std::string_view kind() const override { return Pixels::kName; }
  void visit(Visitor& v) override { v.value("columns", names); }
  std::string describe() const override {
    if (names.empty()) return "pixels: no column of pictures";
    return fmt::format("pixels of {} column{} ({}), divided by 255", names.size(),
                       names.size() == 1 ? "" : "s",
                       transform_detail::shortened(names.size(), [&](std::size_t i) { return names[i]; }));
  }
  Table apply(const Table& features) const override {
    const auto at = transform_detail::find_all(features, names, {ColumnKind::image}, kind());
    std::vector<std::vector<Column>> in_place;
    in_place.reserve(at.size());
    for (const std::size_t i : at) in_place.push_back({numbers_of(features.columns()[i])});
    return transform_detail::replace(features, at, std::move(in_place), {}, kind());
  }

  std::vector<std::string> names;
};

}  // namespace

const ParamList& PixelsParams::list() {
  static const ParamList l{param<&PixelsParams::columns>(
      "columns", "one column to act on; may be repeated; default: every column of pictures")};
  return l;
}

std::unique_ptr<FittedTransform> Pixels::fit(const Dataset& data, const TransformContext&) const {
  auto fitted = std::make_unique<FittedPixels>();
  fitted->names = transform_detail::choose(data.features(), params_.columns, {ColumnKind::image}, kName);
  return fitted;
}

TransformEntry pixels_entry() {
  return transform_entry<Pixels>(
      "pictures as numbers from 0 to 1, one a pixel and channel",
      []() -> std::unique_ptr<FittedTransform> { return std::make_unique<FittedPixels>(); });
}

}  // namespace cairn
