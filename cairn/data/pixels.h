// Pictures as numbers, one a pixel and channel: for learners that see nothing else, and for networks.
// Centred, the many pixels that are bright together no longer push a descent from side to side; their range
// stays, because a penalty on the weights and the length of a step are meant for it (measured on digits:
// logistic regression gets worse and slower with deviations of 1).
#pragma once

#include "cairn/data/transform.h"

namespace cairn {

// Each channel of pixels / 255, less its mean over the training pictures, divided by its deviation: what
// networks of pictures see. One number a channel, not one a pixel: what never changes at a picture's edge
// does not become noise there.
struct PixelScaling {
  std::vector<double> means, deviations;            // of pixels divided by 255, a number a channel
  static PixelScaling of(const Tensor& pixels);     // u8 [n, H, W, C]
  static PixelScaling none(std::int64_t channels);  // from 0 to 1
  Tensor apply(const Tensor& pixels) const;         // u8 [n, H, W, C] to f32
  bool fits(std::int64_t channels) const;           // finite, as many as there are channels
};

struct PixelsParams {
  std::vector<std::string> columns;
  bool centre = false;
  static const ParamList& list();
};

class Pixels : public TransformWith<Pixels, PixelsParams> {
 public:
  static constexpr const char* kName = "pixels";
  explicit Pixels(PixelsParams params) : TransformWith(std::move(params)) {}
  std::unique_ptr<FittedTransform> fit(const Dataset& data, const TransformContext& context) const override;
};

TransformEntry pixels_entry();

}  // namespace cairn
