#include "cairn/readers/pictures.h"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <filesystem>

#include "cairn/base/error.h"
#include "cairn/image/picture.h"
#include "tests/support/error_text.h"
#include "tests/support/shared_data.h"
#include "tests/support/temporary_folder.h"

using namespace cairn;
using cairn::testing::error_text;
using cairn::testing::TemporaryFolder;

namespace {

std::string png(std::int64_t height, std::int64_t width, int value, int channels = 3) {
  return png_bytes(Tensor::full({height, width, channels}, value, DType::u8));
}

// One member of a tar, with its padding.
std::string tar_member(const std::string& name, const std::string& content) {
  std::string header(512, '\0');
  header.replace(0, name.size(), name);
  header.replace(124, 11, fmt::format("{:011o}", content.size()));
  header[156] = '0';
  header.replace(257, 6, std::string("ustar\0", 6));
  header.replace(148, 8, "        ");
  unsigned sum = 0;
  for (const char c : header) sum += static_cast<unsigned char>(c);
  header.replace(148, 8, fmt::format("{:06o}", sum) + std::string("\0 ", 2));
  return header + content + std::string((512 - content.size() % 512) % 512, '\0');
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("pictures: a sub-folder is a class, other files are passed over and told") {
  const TemporaryFolder folder;
  folder.write("cats/1.png", png(4, 6, 10));
  folder.write("cats/2.png", png(4, 6, 20));
  folder.write("dogs/1.png", png(4, 6, 30, 1));
  folder.write("dogs/notes.txt", "a dog");
  folder.write(".hidden/1.png", png(4, 6, 1));
  const ReadResult r = read_pictures(folder.path());
  CHECK(r.target == "label");
  CHECK(r.id == std::vector<std::string>{"file"});
  CHECK(r.table.num_rows() == 3);
  CHECK(r.table.column("file").cell(2) == "dogs/1.png");
  CHECK(r.table.column("label").levels() == std::vector<std::string>{"cats", "dogs"});
  CHECK(r.table.column("image").values().shape() ==
        Shape{3, 4, 6, 3});  // grey beside colours becomes colours
  CHECK(static_cast<int>(r.table.column("image").picture_bytes(2)[0]) == 30);
  REQUIRE(r.warnings.size() == 1);
  CHECK(r.warnings[0].message == "1 file that is no picture was passed over.");
  CHECK_FALSE(r.test.has_value());
}

TEST_CASE("pictures: train and test above the classes are the parts") {
  const TemporaryFolder folder;
  for (const char* name : {"train/a/1.png", "train/b/1.png", "train/b/2.png", "test/a/1.png"})
    folder.write(name, png(3, 3, 5, 1));
  const ReadResult r = read_pictures(folder.path());
  CHECK(r.table.num_rows() == 3);
  REQUIRE(r.test.has_value());
  CHECK(r.test->num_rows() == 1);
  CHECK(r.test->column("label").cell(0) == "a");
  CHECK(r.table.column("image").values().shape() == Shape{3, 3, 3, 1});
}

TEST_CASE("pictures: mixed sizes become one, which is told and can be asked for") {
  const TemporaryFolder folder;
  folder.write("a/1.png", png(10, 20, 50));
  folder.write("b/1.png", png(30, 10, 60));
  const ReadResult r = read_pictures(folder.path());
  CHECK(r.table.column("image").values().shape() == Shape{2, 64, 64, 3});
  REQUIRE(r.warnings.size() == 1);
  CHECK(r.warnings[0].message ==
        "The 2 pictures are from 10 x 10 to 20 x 30 pixels and were made 64 x 64; 'pictures:DATA?size=96' "
        "asks for "
        "another size.");
  ReadOptions options;
  options.arguments = {{"size", "8x12"}, {"channels", "1"}};
  CHECK(read_pictures(folder.path(), options).table.column("image").values().shape() == Shape{2, 8, 12, 1});
  options.arguments = {{"size", "big"}};
  CHECK(contains(error_text([&] { read_pictures(folder.path(), options); }),
                 "'big' is no number from 1 to 4096"));
  // A model's schema decides.
  const Schema schema = Schema::of(Table({Column::image("image", Tensor::zeros({1, 5, 6, 1}, DType::u8))}));
  CHECK(read_pictures(folder.path(), {.schema = &schema}).table.column("image").values().shape() ==
        Shape{2, 5, 6, 1});
}

TEST_CASE("pictures: an archive, with a folder above everything") {
  const std::string tar =
      tar_member("pets/cats/1.png", png(4, 4, 1)) + tar_member("pets/dogs/1.png", png(4, 4, 2));
  const TemporaryFolder folder;
  folder.write("pets.tar", tar + std::string(1024, '\0'));
  const ReadResult r = read_pictures(folder.file("pets.tar"));
  CHECK(r.table.column("label").levels() == std::vector<std::string>{"cats", "dogs"});
  folder.write("cut.tar", tar.substr(0, 540));
  CHECK(contains(error_text([&] { read_pictures(folder.file("cut.tar")); }),
                 "the tar archive is cut short: pets/cats/1.png claims"));
  std::string damaged = tar;
  damaged[3] = 'x';
  folder.write("bad.tar", std::string(damaged));
  CHECK(error_text([&] { read_pictures(folder.file("bad.tar")); }).size() > 20);
  folder.write("none.tar", tar_member("a.txt", "hello") + std::string(1024, '\0'));
  CHECK(contains(error_text([&] { read_pictures(folder.file("none.tar")); }),
                 "is a tar archive without a picture"));
}

TEST_CASE("pictures: damage names the file, an empty class folder is refused") {
  const TemporaryFolder folder;
  folder.write("a/1.png", png(8, 8, 1));
  folder.write("a/2.png", png(8, 8, 1).substr(0, 50));
  CHECK(contains(error_text([&] { read_pictures(folder.path()); }),
                 "/a/2.png: the PNG data are damaged or cut short"));
  folder.write("a/2.png", png(8, 8, 1));
  folder.write("b/3.jpg", "this is text");
  CHECK(contains(error_text([&] { read_pictures(folder.path()); }),
                 "/b/3.jpg: is neither a JPEG nor a PNG picture"));
  folder.write("b/3.jpg", "");
  folder.write("b/4.png", "");
  CHECK(contains(error_text([&] { read_pictures(folder.path()); }), "1 more picture cannot be read either"));
  const TemporaryFolder other;
  other.write("a/1.png", png(8, 8, 1));
  std::filesystem::create_directory(other.file("b"));
  CHECK(
      contains(error_text([&] { read_pictures(other.path()); }), "/b: is a class folder without a picture"));
  const TemporaryFolder nothing;
  CHECK(contains(error_text([&] { read_pictures(nothing.path()); }), "holds no picture"));
}

TEST_CASE("pictures: limits are kept before memory is taken") {
  const TemporaryFolder folder;
  folder.write("a/1.png", png(100, 100, 1));
  folder.write("b/1.png", png(100, 100, 1));
  CHECK(contains(error_text([&] { read_pictures(folder.path(), {.max_memory = 50'000}); }),
                 "2 pictures of 100 x 100 take 0.0 GB of memory"));
}

TEST_CASE("schema: pictures of another size are resized with a warning, other kinds refused") {
  const Schema schema = Schema::of(Table({Column::image("image", Tensor::zeros({1, 4, 4, 1}, DType::u8))}));
  std::vector<Warning> warnings;
  const Table table({Column::image("image", Tensor::full({2, 8, 6, 3}, 9, DType::u8))});
  CHECK(schema.conform(table, &warnings).column("image").values().shape() == Shape{2, 4, 4, 1});
  REQUIRE(warnings.size() == 1);
  CHECK(warnings[0].code == "pictures_resized");
  const Table words({Column::text("image", std::vector<std::string>{"a"})});
  CHECK(contains(error_text([&] { schema.conform(words); }), "is text; the model was trained on pictures"));
}

TEST_CASE("pictures: CIFAR-10's test part as it is shared") {
  const auto tar = testing::shared_data("cifar10/test_10000_jpeg.tar.gz");
  if (!tar) return;
  const ReadResult r = read_pictures(*tar, {.sha256 = false});
  CHECK(r.table.num_rows() == 10000);
  CHECK(r.table.column("label").levels().size() == 10);
  CHECK(r.table.column("image").values().shape() == Shape{10000, 32, 32, 3});
}
