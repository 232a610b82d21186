// Any bytes give a picture, of the size that its header says, or an error of the family; and a picture that
// was read is written as PNG and reads back the same. The first byte chooses the channels.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "cairn/base/error.h"
#include "cairn/image/picture.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const int channels = (data[0] & 1) != 0 ? 1 : 3;
  try {
    constexpr std::int64_t kMost = 1 << 20;  // larger ones are fine, and slow
    const cairn::PictureFacts facts = cairn::picture_facts(bytes, "fuzz");
    if (facts.height * facts.width > kMost) return 0;
    const cairn::Tensor picture = cairn::decode_picture(bytes, "fuzz", channels);
    if (!(picture.shape() == cairn::Shape{facts.height, facts.width, channels})) std::abort();
    const cairn::Tensor small = cairn::resized(picture, 5, 3);
    const cairn::Tensor again = cairn::decode_picture(cairn::png_bytes(small), "written", channels);
    if (std::string_view(reinterpret_cast<const char*>(again.raw()),
                         15 * static_cast<std::size_t>(channels)) !=
        std::string_view(reinterpret_cast<const char*>(small.raw()), 15 * static_cast<std::size_t>(channels)))
      std::abort();
  } catch (const cairn::InternalError&) {
    std::abort();
  } catch (const cairn::Error&) {
  }
  return 0;
}
