#include "cairn/image/picture.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "cairn/base/error.h"
#include "cairn/image/codec_internal.h"

namespace cairn {
namespace {

[[noreturn]] void unknown(std::string_view bytes, const std::string& name) {
  throw DataError(name,
                  bytes.empty() ? "is empty; a picture was expected" : "is neither a JPEG nor a PNG picture",
                  "Other formats can be converted with ImageMagick.");
}

// Which pixels of the old row make a pixel of the new one, and how much each counts.
struct Taps {
  std::int64_t first = 0;
  std::vector<float> weights;
};

std::vector<Taps> taps_of(std::int64_t from, std::int64_t to) {
  const double step = static_cast<double>(from) / static_cast<double>(to);
  const double reach = std::max(1.0, step);
  std::vector<Taps> all(static_cast<std::size_t>(to));
  for (std::int64_t i = 0; i < to; ++i) {
    const double center = (static_cast<double>(i) + 0.5) * step;
    const auto first = std::max<std::int64_t>(0, static_cast<std::int64_t>(std::floor(center - reach)));
    const auto last = std::min<std::int64_t>(from, static_cast<std::int64_t>(std::ceil(center + reach)));
    std::vector<double> weights;
    double total = 0;
    for (std::int64_t p = first; p < last; ++p) {
      weights.push_back(std::max(0.0, 1 - std::abs(static_cast<double>(p) + 0.5 - center) / reach));
      total += weights.back();
    }
    Taps& taps = all[static_cast<std::size_t>(i)];
    taps.first = first;
    for (const double w : weights) taps.weights.push_back(static_cast<float>(w / total));
  }
  return all;
}

}  // namespace

void image_detail::check_size(const PictureFacts& facts, const std::string& name) {
  if (static_cast<double>(facts.height) * static_cast<double>(facts.width) > static_cast<double>(kMostPixels))
    throw ResourceError(
        name,
        fmt::format("its header claims {} x {} pixels; pictures of at most {} million are read", facts.width,
                    facts.height, kMostPixels / 1'000'000),
        "Make it smaller, or remove it.");
}

bool is_picture(std::string_view first_bytes) {
  return image_detail::is_jpeg(first_bytes) || image_detail::is_png(first_bytes);
}

PictureFacts picture_facts(std::string_view bytes, const std::string& name) {
  if (image_detail::is_jpeg(bytes)) return image_detail::jpeg_facts(bytes, name);
  if (image_detail::is_png(bytes)) return image_detail::png_facts(bytes, name);
  unknown(bytes, name);
}

Tensor decode_picture(std::string_view bytes, const std::string& name, int channels) {
  CAIRN_ASSERT(channels == 1 || channels == 3);
  if (image_detail::is_jpeg(bytes)) return image_detail::decode_jpeg(bytes, name, channels);
  if (image_detail::is_png(bytes)) return image_detail::decode_png(bytes, name, channels);
  unknown(bytes, name);
}

Tensor with_channels(const Tensor& picture, int channels) {
  const std::int64_t have = picture.size(2);
  if (have == channels) return picture;
  Tensor out = Tensor::empty({picture.size(0), picture.size(1), channels}, DType::u8);
  const auto from = picture.data<std::uint8_t>();
  auto to = out.mutable_data<std::uint8_t>();
  if (channels == 3) {
    for (std::size_t i = 0; i < from.size(); ++i) to[3 * i] = to[3 * i + 1] = to[3 * i + 2] = from[i];
    return out;
  }
  constexpr unsigned kRed = 19595, kGreen = 38470, kBlue = 7471,
                     kHalf = 1U << 15;  // 0.299, 0.587, 0.114 of 2^16
  for (std::size_t i = 0; i < to.size(); ++i)
    to[i] = static_cast<std::uint8_t>(
        (kRed * from[3 * i] + kGreen * from[3 * i + 1] + kBlue * from[3 * i + 2] + kHalf) >> 16);
  return out;
}

Tensor resized(const Tensor& picture, std::int64_t height, std::int64_t width) {
  const std::int64_t h = picture.size(0), w = picture.size(1), c = picture.size(2);
  if (h == height && w == width) return picture;
  CAIRN_ASSERT(h > 0 && w > 0 && height > 0 && width > 0);
  const auto rows = taps_of(h, height), columns = taps_of(w, width);
  const auto from = picture.data<std::uint8_t>();
  std::vector<float> narrow(static_cast<std::size_t>(h * width * c));  // new width, old height
  for (std::int64_t y = 0; y < h; ++y)
    for (std::int64_t x = 0; x < width; ++x) {
      const Taps& taps = columns[static_cast<std::size_t>(x)];
      for (std::int64_t k = 0; k < c; ++k) {
        float sum = 0;
        for (std::size_t t = 0; t < taps.weights.size(); ++t)
          sum += taps.weights[t] * static_cast<float>(from[static_cast<std::size_t>(
                                       (y * w + taps.first + static_cast<std::int64_t>(t)) * c + k)]);
        narrow[static_cast<std::size_t>((y * width + x) * c + k)] = sum;
      }
    }
  Tensor out = Tensor::empty({height, width, c}, DType::u8);
  auto to = out.mutable_data<std::uint8_t>();
  const auto row = static_cast<std::size_t>(width * c);
  std::vector<float> sums(row);
  for (std::int64_t y = 0; y < height; ++y) {
    const Taps& taps = rows[static_cast<std::size_t>(y)];
    std::ranges::fill(sums, 0.0F);
    for (std::size_t t = 0; t < taps.weights.size(); ++t) {
      const float* line = narrow.data() + (static_cast<std::size_t>(taps.first) + t) * row;
      for (std::size_t i = 0; i < row; ++i) sums[i] += taps.weights[t] * line[i];
    }
    for (std::size_t i = 0; i < row; ++i)
      to[static_cast<std::size_t>(y) * row + i] =
          static_cast<std::uint8_t>(std::clamp(sums[i] + 0.5F, 0.0F, 255.0F));
  }
  return out;
}

}  // namespace cairn
