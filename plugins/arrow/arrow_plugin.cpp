// Parquet and Arrow (Feather) files through Arrow's C++ library, behind one C function: the program loads this
// at the first such file, so neither it nor the library needs Arrow to build or to start. What crosses the
// border is Arrow's C stream interface (arrow.apache.org/docs/format/CStreamInterface.html) and texts, so the
// two sides may be built by different compilers.
#include <arrow/buffer.h>
#include <arrow/c/bridge.h>
#include <arrow/io/memory.h>
#include <arrow/ipc/reader.h>
#include <arrow/record_batch.h>
#include <arrow/util/thread_pool.h>
#include <parquet/arrow/reader.h>
#include <parquet/exception.h>
#include <parquet/properties.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr std::int64_t kBatchRows = 1 << 17;

std::shared_ptr<arrow::io::RandomAccessFile> file_of(const char* bytes, std::size_t size) {
  return std::make_shared<arrow::io::BufferReader>(std::make_shared<arrow::Buffer>(
      reinterpret_cast<const std::uint8_t*>(bytes), static_cast<std::int64_t>(size)));
}

// Reads batch by batch and checks each: offsets in a file from anywhere may point anywhere.
class CheckedBatches final : public arrow::RecordBatchReader {
 public:
  CheckedBatches(std::shared_ptr<arrow::Schema> schema, std::shared_ptr<arrow::ipc::RecordBatchFileReader> file)
      : schema_(std::move(schema)), file_(std::move(file)) {}
  CheckedBatches(std::shared_ptr<arrow::Schema> schema, std::shared_ptr<arrow::RecordBatchReader> stream)
      : schema_(std::move(schema)), stream_(std::move(stream)) {}

  std::shared_ptr<arrow::Schema> schema() const override { return schema_; }
  arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch>* batch) override {
    batch->reset();
    if (stream_) {
      ARROW_RETURN_NOT_OK(stream_->ReadNext(batch));
    } else if (next_ < file_->num_record_batches()) {
      ARROW_ASSIGN_OR_RAISE(*batch, file_->ReadRecordBatch(next_++));
    }
    return *batch ? (*batch)->ValidateFull() : arrow::Status::OK();
  }

 private:
  std::shared_ptr<arrow::Schema> schema_;
  std::shared_ptr<arrow::ipc::RecordBatchFileReader> file_;
  std::shared_ptr<arrow::RecordBatchReader> stream_;
  int next_ = 0;
};

// Texts come with their dictionaries, as most files store them: equal ones are looked at once.
arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> open_parquet(const char* bytes, std::size_t size,
                                                                      bool threads,
                                                                      std::unique_ptr<parquet::arrow::FileReader>& owner) {
  parquet::arrow::FileReaderBuilder builder;
  ARROW_RETURN_NOT_OK(builder.Open(file_of(bytes, size)));
  parquet::ArrowReaderProperties properties(threads);
  const auto metadata = builder.raw_reader()->metadata();
  for (int c = 0; c < metadata->num_columns(); ++c)
    if (metadata->schema()->Column(c)->physical_type() == parquet::Type::BYTE_ARRAY)
      properties.set_read_dictionary(c, true);
  properties.set_batch_size(kBatchRows);
  builder.properties(properties);
  ARROW_ASSIGN_OR_RAISE(owner, builder.Build());
  std::unique_ptr<arrow::RecordBatchReader> batches;
  ARROW_ASSIGN_OR_RAISE(batches, owner->GetRecordBatchReader());
  return std::shared_ptr<arrow::RecordBatchReader>(std::move(batches));
}

// Keeps what a reader of batches reads from.
class OwnedBatches final : public arrow::RecordBatchReader {
 public:
  OwnedBatches(std::shared_ptr<arrow::RecordBatchReader> batches, std::shared_ptr<void> owner)
      : owner_(std::move(owner)), batches_(std::move(batches)) {}
  std::shared_ptr<arrow::Schema> schema() const override { return batches_->schema(); }
  arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch>* batch) override { return batches_->ReadNext(batch); }

 private:
  std::shared_ptr<void> owner_;
  std::shared_ptr<arrow::RecordBatchReader> batches_;
};

arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> open(const char* bytes, std::size_t size, bool threads) {
  const std::string_view head(bytes, std::min<std::size_t>(size, 8));
  if (head.substr(0, 4) == "PAR1") {
    std::unique_ptr<parquet::arrow::FileReader> file;
    ARROW_ASSIGN_OR_RAISE(auto batches, open_parquet(bytes, size, threads, file));
    return std::make_shared<OwnedBatches>(batches, std::shared_ptr<parquet::arrow::FileReader>(std::move(file)));
  }
  auto options = arrow::ipc::IpcReadOptions::Defaults();
  options.use_threads = threads;
  if (head.substr(0, 6) == "ARROW1") {
    ARROW_ASSIGN_OR_RAISE(auto file, arrow::ipc::RecordBatchFileReader::Open(file_of(bytes, size), options));
    return std::make_shared<CheckedBatches>(file->schema(), file);
  }
  ARROW_ASSIGN_OR_RAISE(auto stream, arrow::ipc::RecordBatchStreamReader::Open(
                                         std::static_pointer_cast<arrow::io::InputStream>(file_of(bytes, size)), options));
  return std::make_shared<CheckedBatches>(stream->schema(), std::static_pointer_cast<arrow::RecordBatchReader>(stream));
}

}  // namespace

// Opens the file that lies in memory, which must stay until `out` is released. 0, or 1 with the reason in
// `message`.
extern "C" __attribute__((visibility("default"))) int cairn_arrow_open(const char* bytes, std::size_t size, int threads,
                                                                       ArrowArrayStream* out, char* message,
                                                                       std::size_t message_size) {
  std::string reason;
  try {
    arrow::Status status = arrow::Status::OK();
    if (threads > 1) status = arrow::SetCpuThreadPoolCapacity(threads);
    if (status.ok()) {
      auto batches = open(bytes, size, threads > 1);
      status = batches.ok() ? arrow::ExportRecordBatchReader(*batches, out) : batches.status();
    }
    if (status.ok()) return 0;
    reason = status.message();
  } catch (const std::exception& error) {
    reason = error.what();
  }
  if (message_size > 0) {
    const std::size_t length = std::min(reason.size(), message_size - 1);
    std::memcpy(message, reason.data(), length);
    message[length] = '\0';
  }
  return 1;
}
