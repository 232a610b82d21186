// One format each: what picture.cpp chooses between.
#pragma once

#include <string>
#include <string_view>

#include "cairn/image/picture.h"

namespace cairn::image_detail {

bool is_jpeg(std::string_view bytes);
PictureFacts jpeg_facts(std::string_view bytes, const std::string& name);
Tensor decode_jpeg(std::string_view bytes, const std::string& name, int channels);

bool is_png(std::string_view bytes);
PictureFacts png_facts(std::string_view bytes, const std::string& name);
Tensor decode_png(std::string_view bytes, const std::string& name, int channels);

// ResourceError beyond kMostPixels.
void check_size(const PictureFacts& facts, const std::string& name);

}  // namespace cairn::image_detail
